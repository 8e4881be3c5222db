import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pictureSpec, readPictureSeries } from '../chart/series.ts';
import { plainText } from '../notify/text.ts';
import type { SampleStore } from '../ports.ts';
import { orderPicture } from '../stages/draw.ts';
import { runLiveRounds, STEP_NAMES, type Step } from './live-rounds.fixture.ts';
import { asOf, replayMessage } from './replay.ts';

const MINUTES = Number(process.env.REPLAY_MINUTES ?? 240);
const MESSAGES = Number(process.env.REPLAY_MESSAGES ?? 40);

/** Steps in streaks, the same for the same seed. */
function stepsOf(seed: number): Step[] {
  const streaks = fc.array(fc.tuple(fc.constantFrom(...STEP_NAMES), fc.constantFrom(1, 2, 3, 5, 8, 30)), {
    minLength: MINUTES,
    maxLength: MINUTES,
  });
  const [sample = []] = fc.sample(streaks, { seed, numRuns: 1 });
  return sample.flatMap(([step, length]) => Array.from({ length }, () => step)).slice(0, MINUTES);
}

const withoutRollUps = (store: Pick<SampleStore, 'query'>) => ({
  query: store.query,
  rollUps: async () => [],
});

describe('a message that was sent', () => {
  it('is replayed to the same second, with the same text and picture', async () => {
    let replayed = 0;
    for (let seed = 1; replayed < MESSAGES; seed++) {
      const { fixture } = await runLiveRounds([stepsOf(seed), stepsOf(-seed)]);
      const { state, config, targets, ports, sent } = fixture;
      const { logger, meter } = ports;
      for (const { notification } of sent) {
        const at = { config, targets };
        const again = await replayMessage(notification.key, at, {
          ...{ store: withoutRollUps(ports.store), state, logger, meter },
        });
        expect(again.notes.filter((note) => !note.startsWith('why probes failed'))).toEqual([]);
        expect(again.isSame).toBe(true);
        expect(again.notification && plainText(again.notification, 100)).toBe(plainText(notification, 100));
        const incident = (await state.loadIncident(notification.incidentId))?.value;
        const order = incident && orderPicture(notification, incident, config);
        const store = asOf(ports.store, notification.atMs);
        const draw = async (asked = order) =>
          asked && pictureSpec(asked, await readPictureSeries(asked, store));
        expect(await draw(again.picture)).toEqual(await draw());
        replayed++;
      }
    }
    process.env.REPLAY_MESSAGES && console.log(`${replayed} messages replayed`);
  });

  it('says what cannot be reproduced any more', async () => {
    const steps: Step[] = [...Array.from({ length: 10 }, () => 'bad' as const), 'good', 'good'];
    const { fixture } = await runLiveRounds([steps, steps.map(() => 'good')]);
    const { state, config, targets, ports, sent } = fixture;
    const at = { config, targets };
    const store = { query: async () => [], rollUps: async () => [] };
    const key = sent[0]?.notification.key ?? '';
    const pruned = await replayMessage(key, at, { ...ports, state, store });
    expect([pruned.isSame, pruned.notification]).toEqual([false, undefined]);
    expect(pruned.notes).toContain('samples of mem_usage are missing');
    await expect(replayMessage('inc-0:1', at, { ...ports, state, store })).rejects.toThrow(
      'there is no incident inc-0',
    );
    await expect(replayMessage('nonsense', at, { ...ports, state, store })).rejects.toThrow(
      'is no key of a message',
    );
    const [incidentId] = key.split(':');
    const later = replayMessage(`${incidentId}:999`, at, { ...ports, state, store });
    await expect(later).rejects.toThrow(`there is no message 999 of ${incidentId}`);
  });
});
