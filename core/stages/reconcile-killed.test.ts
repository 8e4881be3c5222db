import { describe, expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { clear, createStageFixture, MINUTE, route, START } from '../../test/stage-fixture.ts';
import { passes } from '../../test/stage-restarts.ts';
import type { StateStore } from '../ports.ts';

describe('killed at any write of it', () => {
  const dying = (inner: StateStore, nth: number, after: boolean): StateStore => {
    let writes = 0;
    return {
      ...inner,
      async commitIncidents(commit) {
        writes++;
        if (writes === nth && !after) throw new Error('killed');
        await inner.commitIncidents(commit);
        if (writes === nth) throw new Error('killed');
      },
    };
  };

  it.each([1, 2, 3, 4].flatMap((nth) => [[nth, false] as const, [nth, true] as const]))(
    'write %i (taken effect: %s) loses nothing and sends nothing new twice',
    async (nth, after) => {
      const inner = createMemoryState();
      const fixture = createStageFixture({ state: inner, routes: [{ ...route, groupBy: ['node'] }] });
      for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 99 });
      await fixture.goTo(2);
      await fixture.evaluate(2);
      await fixture.notify();
      const change = {
        routes: [{ ...route, channels: ['ops', 'chat'] }],
        channels: ['ops', 'chat'].map((name) => ({
          name,
          type: 'webhook',
          theme: 'dark' as const,
          options: {},
        })),
      };
      const first = createStageFixture({ ...change, state: dying(inner, nth, after) });
      first.time.jumpTo(START + 3 * MINUTE);
      await first.notify().catch((error: Error) => expect(error.message).toBe('killed'));
      const second = createStageFixture({ ...change, state: inner });
      second.time.jumpTo(START + 5 * MINUTE);
      await passes(second, [5, 6, 7]);
      const all = [...first.sent, ...second.sent];
      expect(all.filter((one) => one.channel === 'ops')).toEqual([]);
      const keys = new Set(all.map(({ notification }) => notification.key));
      expect(keys.size).toBe(1);
      expect(all[0]?.notification.alerts.map(({ labels }) => labels.node)).toEqual(['n2', 'n1']);
      await clear(second, 20);
      await passes(second, [20, 21]);
      const ends = second.sent.filter(({ notification }) => notification.status === 'resolved');
      expect(ends.map(({ channel: name }) => name).sort()).toEqual(['chat', 'ops']);
      expect(await inner.openIncidents()).toEqual([]);
    },
  );
});
