// What checkpoints leave in the table, and what writing them costs.
import { beforeEach, describe, expect, it } from 'vitest';
import { ConflictError } from '../../../core/errors.ts';
import { WHOLE } from '../../../core/plan/shards.ts';
import type { StateStore } from '../../../core/ports.ts';
import { endRule } from '../../../core/stages/alerts.ts';
import { checkpointOf, T0 } from '../../../test/contract/state-fixtures.ts';
import { createMemoryTable, type MemoryTable } from '../../../test/memory-table.ts';
import { noise } from '../../../test/noise.ts';
import { createTableState } from './state.ts';

const options = { clock: { nowMs: () => T0 }, historyMs: 90 * 86_400_000 };
const sized = (bytes: number) => ({ ...checkpointOf(1), comment: noise(bytes) });

it('of a rule that another process has ended are asked for once more, then the rule is forgotten', async () => {
  const table = createMemoryTable({ lagging: true });
  const [one, other] = [createTableState(table, options), createTableState(table, options)];
  const inventoryLabels = () => undefined;
  const ended = (state: StateStore) => endRule('mem', { state, shard: WHOLE, roundMs: T0, inventoryLabels });
  await one.saveCheckpoint('mem', '0/2', checkpointOf(1), 0);
  await other.saveCheckpoint('mem', '1/2', checkpointOf(1), 0);
  await ended(one);
  expect(await one.listRules()).toEqual([]);
  await ended(other);
  expect(await other.listRules()).toEqual([]);
});

describe('a checkpoint that shrinks', () => {
  let table: MemoryTable;
  let state: StateStore;
  let gets: number;
  beforeEach(() => {
    table = createMemoryTable({ lagging: true });
    gets = 0;
    const counting: MemoryTable = {
      ...table,
      get(keys) {
        gets++;
        return table.get(keys);
      },
    };
    state = createTableState(counting, options);
  });
  const parts = () => [...table.items.values()].filter((item) => item.kind === 'part').length;

  it('leaves no parts behind, and none is read for that', async () => {
    await state.saveCheckpoint('mem', '0/2', sized(1_500_000), 0);
    const before = parts();
    expect(before).toBeGreaterThan(2);
    expect((await state.loadCheckpoint('mem', '0/2'))?.version).toBe(1);
    gets = 0;
    const smaller = sized(900_000);
    await state.saveCheckpoint('mem', '0/2', smaller, 1);
    expect(gets).toBe(0);
    expect(parts()).toBeLessThan(before);
    expect(await state.loadCheckpoint('mem', '0/2')).toEqual({ value: smaller, version: 2 });
    await state.saveCheckpoint('mem', '0/2', checkpointOf(2), 2);
    expect(parts()).toBe(0);
    expect(await state.loadCheckpoint('mem', '0/2')).toEqual({ value: checkpointOf(2), version: 3 });
  });

  it('leaves none where another process wrote it, or none read it since', async () => {
    await state.saveCheckpoint('mem', '0/2', checkpointOf(1), 0);
    await state.loadCheckpoint('mem', '0/2');
    await createTableState(table, options).saveCheckpoint('mem', '0/2', sized(1_500_000), 1);
    await expect(state.saveCheckpoint('mem', '0/2', checkpointOf(2), 1)).rejects.toThrow(ConflictError);
    expect(parts()).toBeGreaterThan(2);
    await state.saveCheckpoint('mem', '0/2', checkpointOf(2), 2);
    expect(parts()).toBe(0);
  });
});
