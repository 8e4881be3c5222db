import { describe, expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { createWorld, type World } from '../../test/stage-world.ts';
import type { StateStore } from '../ports.ts';

describe('killed at any step', () => {
  const STEPS = ['commitAlert', 'saveCheckpoint', 'commitIncidents'] as const;

  /** State whose nth write dies, before or after it took effect; then all is as if the process were new. */
  function dying(inner: StateStore, nth: number, after: boolean): StateStore {
    let writes = 0;
    const wrapped: StateStore = { ...inner };
    for (const name of STEPS) {
      const real = inner[name] as (...args: unknown[]) => Promise<void>;
      (wrapped as unknown as Record<string, unknown>)[name] = async (...args: unknown[]) => {
        writes++;
        if (writes === nth && !after) throw new Error('killed');
        await real(...args);
        if (writes === nth) throw new Error('killed');
      };
    }
    return wrapped;
  }

  it.each(
    Array.from({ length: 10 }, (_, i) => i + 1).flatMap((nth) => [
      [nth, false] as const,
      [nth, true] as const,
    ]),
  )(
    'write %i (taken effect: %s): nothing is lost, and what is said twice has one number',
    async (nth, after) => {
      const inner = createMemoryState();
      // The rule is known: of what lies before its first evaluation only what still fires is told.
      await createWorld({ state: inner }).judge(-1);
      const story = async (world: World, minutes: readonly number[]) => {
        for (const minute of minutes) {
          await world.goTo(minute);
          await world.judge(minute);
          await world.notify();
        }
      };
      const fill = (world: World) => {
        for (const [minute, value] of [95, 95, 95, 95, 40, 40, 40, 40, 40, 40].entries())
          world.put(minute, { n1: value });
      };
      const first = createWorld({ state: dying(inner, nth, after) });
      fill(first);
      await story(first, [0, 1, 2, 3, 4, 9]).catch((error: Error) => expect(error.message).toBe('killed'));
      const second = createWorld({ state: inner });
      fill(second);
      await story(second, [12, 20]);
      const all = [...first.sent, ...second.sent].map(({ notification }) => notification);
      const told = new Set(all.flatMap((n) => n.alerts.map((a) => a.status)));
      const both = all.some((n) => n.reason === 'fired-and-resolved');
      expect(told.has('resolved')).toBe(true);
      expect(told.has('firing') || both).toBe(true);
      const texts = new Map<string, Set<string>>();
      for (const n of all) {
        const says = n.alerts.map((a) => `${a.alertId} ${a.status} ${a.firedAtMs}`).join();
        texts.set(n.key, (texts.get(n.key) ?? new Set()).add(says));
      }
      for (const says of texts.values()) expect(says.size).toBe(1);
      expect(await inner.listIncidents({ open: true, limit: 9 })).toEqual([]);
    },
  );
});

it('an older round that comes after a newer one was cut off behind its transitions judges nothing', async () => {
  const inner = createMemoryState();
  const world = createWorld({ state: inner });
  await world.judge(-1);
  for (const [minute, value] of [40, 95, 95, 95, 95, 40, 40].entries()) world.put(minute, { n1: value });
  await world.goTo(4);
  await world.judge(4);
  await world.notify();
  let saves = 0;
  const cut = createWorld({
    state: {
      ...inner,
      async saveCheckpoint(...args) {
        saves++;
        if (saves === 2) throw new Error('killed');
        await inner.saveCheckpoint(...args);
      },
    },
  });
  for (const [minute, value] of [40, 95, 95, 95, 95, 40, 40].entries()) cut.put(minute, { n1: value });
  await cut.goTo(5);
  await expect(cut.judge(5)).rejects.toThrow('killed');
  expect(await inner.listAlerts()).toEqual([]);
  await world.goTo(6);
  // The message of minute 4 comes once more, and only then the newest.
  expect(await world.judge(4)).toEqual([]);
  expect(await world.judge(6)).toEqual([]);
  const all = await inner.listTransitions({ fromMs: 0, toMs: Infinity, limit: 99 });
  expect(all.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
    'pending threshold',
    'firing threshold',
    'resolved threshold',
  ]);
  await world.notify();
  expect(world.said()).toEqual(['ops 1 first firing n1:firing', 'ops 2 all-resolved resolved n1:resolved']);
});
