// What a query of late samples holds at most; the rest is in the contract.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MOST_RECORDS } from '../../core/late-samples.ts';
import type { StateStore } from '../../core/ports.ts';
import { createMemoryTable } from '../../test/memory-table.ts';
import { createTableState } from './dynamodb/state.ts';
import { openSqliteState } from './sqlite/state.ts';

const labels = { cluster: 'c', node: 'n', role: 'etcd' };
const clock = { nowMs: () => 0 };

async function openStates(): Promise<[string, StateStore, () => void][]> {
  const path = mkdtempSync(join(tmpdir(), 'bartizan-late-'));
  return [
    ['table', createTableState(createMemoryTable(), { clock, historyMs: 1 }), () => {}],
    ['sqlite', openSqliteState({ path }), () => rmSync(path, { recursive: true })],
  ];
}

it('the oldest are left out of what is more than an evaluation holds, and it says so', async () => {
  for (const [name, state, remove] of await openStates()) {
    const samples = Array.from({ length: MOST_RECORDS + 3 }, (_, i) => ({
      metric: 'up',
      labels,
      timeMs: i + 1,
      value: i,
    }));
    await state.putLateSamples({ shard: 's', samples, nowMs: 5, expiresAtMs: 10 });
    const query = { shard: 's', metric: 'up', fromMs: 0, toMs: MOST_RECORDS + 3 };
    const { series, isCut } = await state.lateSamples(query);
    expect([name, isCut, series[0]?.points.length, series[0]?.points[0]?.timeMs]).toEqual([
      name,
      true,
      MOST_RECORDS,
      4,
    ]);
    const whole = await state.lateSamples({ ...query, fromMs: 4 });
    expect([name, whole.isCut, whole.series[0]?.points.length]).toEqual([name, false, MOST_RECORDS]);
    await state.close();
    remove();
  }
});

it('what is expired goes from the file with the next that is kept', async () => {
  const [, [, state, remove] = []] = await openStates();
  if (!state || !remove) throw new Error('no state');
  const keep = (timeMs: number, nowMs: number) =>
    state.putLateSamples({
      shard: 's',
      samples: [{ metric: 'up', labels, timeMs, value: 1 }],
      nowMs,
      expiresAtMs: nowMs + 10,
    });
  await keep(1, 100);
  await keep(2, 105);
  await keep(3, 110);
  const { series } = await state.lateSamples({ shard: 's', metric: 'up', fromMs: 0, toMs: 9 });
  expect(series[0]?.points.map(({ timeMs }) => timeMs)).toEqual([2, 3]);
  expect(await state.prune(121)).toBe(2);
  await state.close();
  remove();
});
