import { expect, it } from 'vitest';
import { clear, createStageFixture, fire, MINUTE, START } from '../../test/stage-fixture.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { StoredSilence } from '../model/silence.ts';

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
  const fixture = createStageFixture();
  await fixture.state.putSilence(silenceOf());
  await fire(fixture);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual([]);
});

it('a silence that is ended early lets its alerts out at once, not at its old end', async () => {
  const fixture = createStageFixture();
  await fixture.state.putSilence(silenceOf());
  await fire(fixture);
  await fixture.notify();
  expect(await fixture.state.nextDueMs()).toBe(START + 600 * MINUTE);
  await fixture.goTo(3);
  expect(await fixture.state.expireSilence('s1', START + 3 * MINUTE)).toBe(true);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['ops 1 silence-ended firing n1:firing']);
});

it('an acknowledged alert sends no reminders, but its end; the next breach is sent', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  await fixture.notify();
  const [alert] = await fixture.state.listAlerts();
  await fixture.state.putSilence(
    silenceOf({ id: 's2', createdAtMs: START + 2 * MINUTE, matchers: [], alertId: alert?.value.id ?? '' }),
  );
  await fixture.goTo(70);
  await fixture.notify();
  expect(fixture.sentLines()).toHaveLength(1);
  await clear(fixture, 71);
  await fixture.notify();
  expect(fixture.sentLines().at(-1)).toMatch(/all-resolved resolved n1:resolved/);
  for (const minute of [80, 81, 82]) fixture.put(minute, { n1: 95 });
  await fixture.goTo(82);
  await fixture.evaluate(82);
  await fixture.notify();
  expect(fixture.sentLines().at(-1)).toMatch(/firing n1:firing/);
  expect(fixture.sentLines()).toHaveLength(3);
});

it.each([
  ['is ended', true],
  ['ends', false],
])(
  'an alert whose silence %s is due, also if it ends before its group may be sent again',
  async (_, early) => {
    const fixture = createStageFixture();
    const until = early ? 600 : 7;
    await fixture.state.putSilence(silenceOf({ untilMs: START + until * MINUTE, createdAtMs: START }));
    for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 50, n2: 95 });
    await fixture.goTo(2);
    await fixture.evaluate(2);
    await fixture.notify();
    for (const minute of [3, 4, 5]) fixture.put(minute, { n1: 95, n2: 95 });
    await fixture.goTo(5);
    await fixture.evaluate(5);
    await fixture.notify();
    // Something else of the group is sent, so that the next message has to wait.
    fixture.put(6, { n1: 95, n2: 50 });
    await fixture.goTo(6);
    await fixture.evaluate(6);
    await fixture.goTo(7);
    if (early) await fixture.state.expireSilence('s1', START + 7 * MINUTE);
    await fixture.notify();
    expect(fixture.sentLines()).toHaveLength(1 + Number(fixture.sent.length > 1));
    fixture.put(8, { n1: 50, n2: 50 });
    await fixture.goTo(8);
    await fixture.evaluate(8);
    await fixture.notify();
    await fixture.goTo(20);
    await fixture.notify();
    const ofN1 = fixture.sent.filter(({ notification }) =>
      notification.alerts.some(({ labels }) => labels.node === 'n1'),
    );
    expect(ofN1.length).toBeGreaterThan(0);
    expect(await fixture.state.openIncidents()).toEqual([]);
  },
);

it('an alert that begins and ends under a silence is sent to nobody, also while its group waits', async () => {
  const fixture = createStageFixture();
  for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 50, n2: 95 });
  await fixture.goTo(2);
  await fixture.evaluate(2);
  await fixture.notify();
  // The group waits until minute 7; all of this is over before.
  await fixture.state.putSilence(silenceOf({ untilMs: START + 6.5 * MINUTE, createdAtMs: START }));
  for (const [minute, value] of [
    [3, 95],
    [4, 95],
    [5, 95],
    [6, 50],
  ] as const) {
    fixture.put(minute, { n1: value, n2: 95 });
    await fixture.goTo(minute);
    await fixture.evaluate(minute);
    await fixture.notify();
  }
  await fixture.goTo(8);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n2:firing']);
});

it('a silence that begins after the end of an alert that nobody was sent withholds it, and loses nothing', async () => {
  const fixture = createStageFixture();
  fixture.answers.ops = async () => {
    throw new PermanentError('404');
  };
  await fire(fixture);
  await fixture.notify();
  await clear(fixture, 4);
  await fixture.notify();
  await fixture.state.putSilence(
    silenceOf({ fromMs: START + 5 * MINUTE, untilMs: START + 30 * MINUTE, createdAtMs: START + 5 * MINUTE }),
  );
  fixture.answers.ops = async () => undefined;
  await fixture.goTo(15);
  await fixture.notify();
  expect(fixture.sent).toEqual([]);
  await fixture.goTo(31);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual([
    expect.stringMatching(/^ops \d fired-and-resolved resolved n1:resolved$/),
  ]);
});

it('the end of a silence by itself is no change: what a service asked to wait for is waited for', async () => {
  const fixture = createStageFixture();
  await fixture.state.putSilence(
    silenceOf({ matchers: [{ name: 'node', op: '=', value: 'n9' }], untilMs: START + 4 * MINUTE }),
  );
  await fixture.notify();
  let tries = 0;
  fixture.answers.ops = async () => {
    tries++;
    throw new RetryableError('busy', { retryAfterMs: 9 * MINUTE });
  };
  await fire(fixture);
  for (let minute = 2; minute <= 10; minute++) {
    await fixture.goTo(minute);
    await fixture.notify();
  }
  expect(tries).toBe(1);
});

it("a repeat does not wait for the end of another alert's silence", async () => {
  const fixture = createStageFixture();
  await fixture.state.putSilence(silenceOf({ matchers: [{ name: 'node', op: '=', value: 'n2' }] }));
  await fire(fixture);
  await fixture.notify();
  for (const minute of [3, 4, 5]) fixture.put(minute, { n1: 95, n2: 95 });
  await fixture.goTo(5);
  await fixture.evaluate(5);
  await fixture.notify();
  await fixture.goTo(8);
  await fixture.notify();
  expect(await fixture.state.nextDueMs()).toBe(START + 62 * MINUTE);
  await fixture.goTo(62);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing', 'ops 2 repeat firing n1:firing']);
});
