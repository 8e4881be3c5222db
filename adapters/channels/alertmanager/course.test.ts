// What an Alertmanager knows that is sent the messages of a route as the documentation recommends it.
import { expect, it } from 'vitest';
import { createStageFixture, MINUTE, route, START } from '../../../test/stage-fixture.ts';
import { render } from './payload.ts';

const SECOND = 1_000;

/** n1 fires from 2 to 12, n2 from 5 to 6 and again from 20 on. */
const breaches = (minute: number) => ({
  n1: minute <= 11 ? 95 : 40,
  n2: (minute >= 3 && minute <= 5) || minute >= 18 ? 95 : 40,
});
const truth = (minute: number) => [
  ...(minute >= 2 && minute < 12 ? ['n1'] : []),
  ...((minute >= 5 && minute < 6) || minute >= 20 ? ['n2'] : []),
];

it.each([
  ['always', () => true, 0],
  // Alertmanager is down from 8 to 13: the end of n1 comes when it is back; and from 18 to 22.
  [
    'but for some minutes',
    (minute: number) => (minute < 8 || minute > 13) && (minute < 18 || minute > 22),
    1,
  ],
])('knows what fires, and until when: it is up %s', async (_, isUp, lateMinutes) => {
  const fixture = createStageFixture({
    routes: [{ ...route, groupBy: ['cluster'], groupIntervalMs: 30 * SECOND, repeatIntervalMs: 5 * MINUTE }],
  });
  const endsAfter = 20 * MINUTE;
  /** By node, when it ends. */
  const known = new Map<string, number>();
  let now = 0;
  fixture.answers.ops = async () => {
    if (!isUp(now)) throw new Error('nothing listens');
  };
  let seen = 0;
  const receive = () => {
    for (const { notification } of fixture.sent.slice(seen))
      for (const { labels, endsAt } of render(notification, { endsAfter }))
        known.set(labels.node ?? '', Date.parse(endsAt));
    seen = fixture.sent.length;
  };
  let wrong = 0;
  for (now = 0; now < 40; now++) {
    fixture.put(now, breaches(now));
    await fixture.goTo(now);
    await fixture.evaluate(now);
    // Later in the same minute: what had to wait for `groupInterval`, or for a try.
    for (const second of [0, 31, 59]) {
      await fixture.goTo(now + second / 60);
      await fixture.notify();
      receive();
    }
    const atMs = START + now * MINUTE + 59 * SECOND;
    const firing = [...known].filter(([, endMs]) => endMs > atMs).map(([node]) => node);
    if (isUp(now) && JSON.stringify(firing.sort()) !== JSON.stringify(truth(now))) wrong++;
    // Each message moves the end ahead, so that three of them may get lost.
    for (const node of isUp(now) ? truth(now).filter((one) => firing.includes(one)) : [])
      expect((known.get(node) ?? 0) - atMs).toBeGreaterThan(
        endsAfter - 6 * MINUTE - 6 * MINUTE * lateMinutes,
      );
  }
  expect(wrong).toBeLessThanOrEqual(lateMinutes * 2);
  expect([...known.keys()].sort()).toEqual(['n1', 'n2']);
});
