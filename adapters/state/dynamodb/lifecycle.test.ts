import { describe, expect, it } from 'vitest';
import type { StateStore } from '../../../core/ports.ts';
import { createMemoryTable } from '../../../test/memory-table.ts';
import { clear, createStageFixture, fire, START, type StageFixture } from '../../../test/stage-fixture.ts';
import { createTableState } from './state.ts';
import type { Table } from './table.ts';

const stateOf = (table: Table): StateStore =>
  createTableState(table, { clock: { nowMs: () => START }, historyMs: 86_400_000 });

/** A table whose nth write dies, before or after it took effect; so do all behind it. */
function dying(inner: Table, nth: number, after: boolean): Table {
  let writes = 0;
  return {
    ...inner,
    async write(list) {
      writes++;
      if (writes > nth || (writes === nth && !after)) throw new Error('killed');
      const failed = await inner.write(list);
      if (writes === nth) throw new Error('killed');
      return failed;
    },
  };
}

async function play(fixture: StageFixture, minutes: readonly number[]): Promise<void> {
  for (const [minute, value] of [95, 95, 95, 95, 40, 40, 40, 40, 40, 40].entries()) {
    fixture.put(minute, { n1: value });
  }
  for (const minute of minutes) {
    await fixture.goTo(minute);
    await fixture.evaluate(minute);
    await fixture.notify();
  }
}

describe('the stages over a table', () => {
  const writes = Array.from({ length: 24 }, (_, i) => i + 1);

  it.each(writes.flatMap((nth) => [[nth, false] as const, [nth, true] as const]))(
    'killed at write %i (taken effect: %s) lose nothing, and what is said twice has one number',
    async (nth, after) => {
      const table = createMemoryTable({ lagging: true });
      await createStageFixture({ state: stateOf(table) }).evaluate(-1);
      const first = createStageFixture({ state: stateOf(dying(table, nth, after)) });
      await play(first, [0, 1, 2, 3, 4, 9]).catch((error: Error) => expect(error.message).toBe('killed'));
      const second = createStageFixture({ state: stateOf(table) });
      await play(second, [12, 20]);
      const described = [...first.sent, ...second.sent].map(({ notification }) => notification);
      expect(described.some(({ alerts }) => alerts.some(({ status }) => status === 'resolved'))).toBe(true);
      const fired = described.some(
        ({ status, reason }) => status === 'firing' || reason === 'fired-and-resolved',
      );
      expect(fired).toBe(true);
      const byKey = Map.groupBy(described, ({ key }) => key);
      for (const same of byKey.values()) {
        expect(new Set(same.map(({ alerts }) => JSON.stringify(alerts.map((a) => a.status)))).size).toBe(1);
      }
      const state = stateOf(table);
      expect(await state.nextDueMs()).toBeUndefined();
      expect(await state.listAlerts()).toEqual([]);
    },
  );

  it('say each thing once, though several notifiers and evaluators work side by side', async () => {
    const table = createMemoryTable({ lagging: true });
    const fixtures = Array.from({ length: 4 }, () => createStageFixture({ state: stateOf(table) }));
    const [one] = fixtures as [StageFixture];
    await fire(one);
    for (const fixture of fixtures) await fixture.goTo(3);
    await Promise.all(fixtures.map((fixture) => fixture.notify()));
    await clear(one, 3);
    for (const fixture of fixtures) await fixture.goTo(9);
    await Promise.all(fixtures.map((fixture) => fixture.notify()));
    const described = fixtures.flatMap((fixture) => fixture.sentLines());
    expect(described).toEqual(['ops 1 first firing n1:firing', 'ops 2 all-resolved resolved n1:resolved']);
  });
});
