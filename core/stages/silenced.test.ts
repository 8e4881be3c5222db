import { expect, it } from 'vitest';
import { clear, createWorld, fire, MINUTE, START } from '../../test/stage-world.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { StoredSilence } from '../model.ts';

const silenceOf = (change: Partial<StoredSilence> = {}): StoredSilence => ({
  id: 's1',
  matchers: [{ name: 'node', op: '=', value: 'n1' }],
  fromMs: START,
  untilMs: START + 600 * MINUTE,
  createdAtMs: START + MINUTE,
  author: 'ann',
  comment: 'disk swap',
  ...change,
});

it('a silence that is added while an alert is pending covers its firing', async () => {
  const world = createWorld();
  await world.state.putSilence(silenceOf());
  await fire(world);
  await world.notify();
  expect(world.said()).toEqual([]);
});

it('a silence that is ended early lets its alerts out at once, not at its old end', async () => {
  const world = createWorld();
  await world.state.putSilence(silenceOf());
  await fire(world);
  await world.notify();
  expect(await world.state.nextDueMs()).toBe(START + 600 * MINUTE);
  await world.goTo(3);
  expect(await world.state.expireSilence('s1', START + 3 * MINUTE)).toBe(true);
  await world.notify();
  expect(world.said()).toEqual(['ops 1 silence-ended firing n1:firing']);
});

it('an acknowledged alert sends no reminders, but its end; the next breach is sent', async () => {
  const world = createWorld();
  await fire(world);
  await world.notify();
  const [alert] = await world.state.listAlerts();
  await world.state.putSilence(
    silenceOf({ id: 's2', createdAtMs: START + 2 * MINUTE, matchers: [], alertId: alert?.value.id ?? '' }),
  );
  await world.goTo(70);
  await world.notify();
  expect(world.said()).toHaveLength(1);
  await clear(world, 71);
  await world.notify();
  expect(world.said().at(-1)).toMatch(/all-resolved resolved n1:resolved/);
  for (const minute of [80, 81, 82]) world.put(minute, { n1: 95 });
  await world.goTo(82);
  await world.judge(82);
  await world.notify();
  expect(world.said().at(-1)).toMatch(/firing n1:firing/);
  expect(world.said()).toHaveLength(3);
});

it.each([
  ['is ended', true],
  ['ends', false],
])(
  'an alert whose silence %s is owed, also if it ends before its group may be sent again',
  async (_, early) => {
    const world = createWorld();
    const until = early ? 600 : 7;
    await world.state.putSilence(silenceOf({ untilMs: START + until * MINUTE, createdAtMs: START }));
    for (const minute of [0, 1, 2]) world.put(minute, { n1: 50, n2: 95 });
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    for (const minute of [3, 4, 5]) world.put(minute, { n1: 95, n2: 95 });
    await world.goTo(5);
    await world.judge(5);
    await world.notify();
    // Something else of the group is sent, so that the next message has to wait.
    world.put(6, { n1: 95, n2: 50 });
    await world.goTo(6);
    await world.judge(6);
    await world.goTo(7);
    if (early) await world.state.expireSilence('s1', START + 7 * MINUTE);
    await world.notify();
    expect(world.said()).toHaveLength(1 + Number(world.sent.length > 1));
    world.put(8, { n1: 50, n2: 50 });
    await world.goTo(8);
    await world.judge(8);
    await world.notify();
    await world.goTo(20);
    await world.notify();
    const ofN1 = world.sent.filter(({ notification }) =>
      notification.alerts.some(({ labels }) => labels.node === 'n1'),
    );
    expect(ofN1.length).toBeGreaterThan(0);
    expect(await world.state.openIncidents()).toEqual([]);
  },
);

it('an alert that begins and ends under a silence is sent to nobody, also while its group waits', async () => {
  const world = createWorld();
  for (const minute of [0, 1, 2]) world.put(minute, { n1: 50, n2: 95 });
  await world.goTo(2);
  await world.judge(2);
  await world.notify();
  // The group waits until minute 7; all of this is over before.
  await world.state.putSilence(silenceOf({ untilMs: START + 6.5 * MINUTE, createdAtMs: START }));
  for (const [minute, value] of [
    [3, 95],
    [4, 95],
    [5, 95],
    [6, 50],
  ] as const) {
    world.put(minute, { n1: value, n2: 95 });
    await world.goTo(minute);
    await world.judge(minute);
    await world.notify();
  }
  await world.goTo(8);
  await world.notify();
  expect(world.said()).toEqual(['ops 1 first firing n2:firing']);
});

it('a silence that begins after the end of an alert that nobody was sent withholds it, and loses nothing', async () => {
  const world = createWorld();
  world.answers.ops = async () => {
    throw new PermanentError('404');
  };
  await fire(world);
  await world.notify();
  await clear(world, 4);
  await world.notify();
  await world.state.putSilence(
    silenceOf({ fromMs: START + 5 * MINUTE, untilMs: START + 30 * MINUTE, createdAtMs: START + 5 * MINUTE }),
  );
  world.answers.ops = async () => undefined;
  await world.goTo(15);
  await world.notify();
  expect(world.sent).toEqual([]);
  await world.goTo(31);
  await world.notify();
  expect(world.said()).toEqual([expect.stringMatching(/^ops \d fired-and-resolved resolved n1:resolved$/)]);
});

it('the end of a silence by itself is no change: what a service asked to wait for is waited for', async () => {
  const world = createWorld();
  await world.state.putSilence(
    silenceOf({ matchers: [{ name: 'node', op: '=', value: 'n9' }], untilMs: START + 4 * MINUTE }),
  );
  await world.notify();
  let tries = 0;
  world.answers.ops = async () => {
    tries++;
    throw new RetryableError('busy', { retryAfterMs: 9 * MINUTE });
  };
  await fire(world);
  for (let minute = 2; minute <= 10; minute++) {
    await world.goTo(minute);
    await world.notify();
  }
  expect(tries).toBe(1);
});
