import { describe, expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { createStageFixture, type StageFixture } from '../../test/stage-fixture.ts';
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
    'write %i (taken effect: %s): nothing is lost, and a message that is sent twice has one number',
    async (nth, after) => {
      const inner = createMemoryState();
      // The rule is known: an alert from before its first evaluation is emitted only if it still fires.
      await createStageFixture({ state: inner }).evaluate(-1);
      const story = async (fixture: StageFixture, minutes: readonly number[]) => {
        for (const minute of minutes) {
          await fixture.goTo(minute);
          await fixture.evaluate(minute);
          await fixture.notify();
        }
      };
      const fill = (fixture: StageFixture) => {
        for (const [minute, value] of [95, 95, 95, 95, 40, 40, 40, 40, 40, 40].entries())
          fixture.put(minute, { n1: value });
      };
      const first = createStageFixture({ state: dying(inner, nth, after) });
      fill(first);
      await story(first, [0, 1, 2, 3, 4, 9]).catch((error: Error) => expect(error.message).toBe('killed'));
      const second = createStageFixture({ state: inner });
      fill(second);
      await story(second, [12, 20]);
      const all = [...first.sent, ...second.sent].map(({ notification }) => notification);
      const sentTexts = new Set(all.flatMap((n) => n.alerts.map((a) => a.status)));
      const both = all.some((n) => n.reason === 'fired-and-resolved');
      expect(sentTexts.has('resolved')).toBe(true);
      expect(sentTexts.has('firing') || both).toBe(true);
      const texts = new Map<string, Set<string>>();
      for (const n of all) {
        const content = n.alerts.map((a) => `${a.alertId} ${a.status} ${a.firedAtMs}`).join();
        texts.set(n.key, (texts.get(n.key) ?? new Set()).add(content));
      }
      for (const content of texts.values()) expect(content.size).toBe(1);
      expect(await inner.listIncidents({ open: true, limit: 9 })).toEqual([]);
    },
  );
});

it('an older round that comes after a newer one was cut off behind its transitions evaluates nothing', async () => {
  const inner = createMemoryState();
  const fixture = createStageFixture({ state: inner });
  await fixture.evaluate(-1);
  for (const [minute, value] of [40, 95, 95, 95, 95, 40, 40].entries()) fixture.put(minute, { n1: value });
  await fixture.goTo(4);
  await fixture.evaluate(4);
  await fixture.notify();
  let saves = 0;
  const cut = createStageFixture({
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
  await expect(cut.evaluate(5)).rejects.toThrow('killed');
  expect(await inner.listAlerts()).toEqual([]);
  await fixture.goTo(6);
  // The message of minute 4 comes once more, and only then the newest.
  expect(await fixture.evaluate(4)).toEqual([]);
  expect(await fixture.evaluate(6)).toEqual([]);
  const all = await inner.listTransitions({ fromMs: 0, toMs: Infinity, limit: 99 });
  expect(all.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
    'pending threshold',
    'firing threshold',
    'resolved threshold',
  ]);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual([
    'ops 1 first firing n1:firing',
    'ops 2 all-resolved resolved n1:resolved',
  ]);
});
