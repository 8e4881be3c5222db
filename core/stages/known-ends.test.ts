import { describe, expect, it } from 'vitest';
import {
  clear,
  createStageFixture,
  fire,
  MINUTE,
  route,
  START,
  type StageFixture,
} from '../../test/stage-fixture.ts';
import { channel, passes, refuse } from '../../test/stage-restarts.ts';
import { episodeOf } from '../notify/episode.ts';
import { compileSuppressions } from '../notify/suppression.ts';
import { undeliveredAlerts } from '../notify/undelivered.ts';
import { groupTransitions } from './group.ts';

const both = {
  routes: [{ ...route, channels: ['ops', 'chat'] }],
  channels: [channel('ops'), channel('chat')],
};
async function undelivered(fixture: StageFixture) {
  const incidents = (await fixture.state.openIncidents()).map(({ value }) => value);
  const firing = (await fixture.state.listAlerts()).map(({ value }) => value);
  const nowMs = fixture.time.clock.nowMs();
  return undeliveredAlerts({
    incidents,
    firing,
    config: fixture.config,
    suppressionOf: (alert, rules) => compileSuppressions({ rules, silences: [], firing, nowMs })(alert),
  });
}

/** `chat` accepts all, `ops` nothing; the alert fires at 2 and ends at 4. */
async function refusedByOps(options = both): Promise<StageFixture> {
  const fixture = createStageFixture(options);
  fixture.answers.ops = refuse;
  await fire(fixture);
  await passes(fixture, [2, 3]);
  await clear(fixture, 4);
  await passes(fixture, [4]);
  expect(fixture.sentLines()).toEqual([
    'chat 1 first firing n1:firing',
    'chat 2 all-resolved resolved n1:resolved',
  ]);
  return fixture;
}

describe('an alert that one channel was sent and another was not', () => {
  it('is not undelivered after its end, though it is still due at the other', async () => {
    const fixture = await refusedByOps();
    expect((await fixture.state.openIncidents()).map(({ value }) => value.channel)).toContain('ops');
    expect(await undelivered(fixture)).toEqual([]);
    fixture.answers.ops = async () => undefined;
    await passes(fixture, [12]);
    expect(fixture.sentLines().slice(2)).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
  });

  it('is undelivered after its end while neither was sent it, and no longer once one was', async () => {
    const fixture = createStageFixture(both);
    fixture.answers.ops = refuse;
    fixture.answers.chat = refuse;
    await fire(fixture);
    await passes(fixture, [2]);
    await clear(fixture, 4);
    await passes(fixture, [4]);
    expect(await undelivered(fixture)).toHaveLength(1);
    fixture.answers.chat = async () => undefined;
    await passes(fixture, [10]);
    expect(fixture.sentLines()).toEqual(['chat 2 fired-and-resolved resolved n1:resolved']);
    expect(await undelivered(fixture)).toEqual([]);
  });

  it.each([
    [
      'is renamed',
      { routes: [{ ...route, channels: ['pager', 'chat'] }], channels: [channel('pager'), channel('chat')] },
    ],
    ['is taken from the route', { routes: [{ ...route, channels: ['chat'] }], channels: both.channels }],
  ])('is not sent again to the first when the other %s', async (_, change) => {
    const fixture = await refusedByOps();
    const next = createStageFixture({ ...change, state: fixture.state });
    next.time.jumpTo(START + 6 * MINUTE);
    await passes(next, [6, 8, 15]);
    expect(next.sentLines()).toEqual([]);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('the end that was due at a renamed channel is sent by the new one alone', async () => {
    const fixture = createStageFixture(both);
    await fire(fixture);
    await passes(fixture, [2, 3]);
    fixture.answers.ops = refuse;
    await clear(fixture, 8);
    await passes(fixture, [8]);
    const renamed = {
      routes: [{ ...route, channels: ['pager', 'chat'] }],
      channels: [channel('pager'), channel('chat')],
    };
    const next = createStageFixture({ ...renamed, state: fixture.state });
    next.time.jumpTo(START + 10 * MINUTE);
    await passes(next, [10, 15]);
    expect(next.sentLines()).toEqual(['pager 1 all-resolved resolved n1:resolved']);
  });
});

describe('a fallback that routes name anyway', () => {
  it.each(['firing', 'its end'])('is not handed %s a second time', async (what) => {
    const fixture = createStageFixture({
      routes: [
        { ...route, channels: ['ops'], continue: true },
        { ...route, name: 'second', channels: ['chat'], groupBy: ['node'] },
      ],
      channels: [channel('ops', 'chat'), channel('chat')],
    });
    if (what === 'firing') fixture.answers.ops = refuse;
    await fire(fixture);
    await passes(fixture, [2, 3]);
    fixture.answers.ops = refuse;
    await clear(fixture, 8);
    await passes(fixture, [8, 9, 20, 40]);
    const chat = fixture.sentLines().filter((line) => line.startsWith('chat'));
    expect(chat).toEqual(['chat 1 first firing n1:firing', 'chat 2 all-resolved resolved n1:resolved']);
  });
});

it('the end of what a removed channel was sent is due, also if a silence withholds it from the new one', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  await fixture.notify();
  const renamed = { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] };
  const next = createStageFixture({ ...renamed, state: fixture.state });
  next.config.silences = [{ match: {}, fromMs: START, untilMs: START + 20 * MINUTE, comment: '' }];
  next.time.jumpTo(START + 3 * MINUTE);
  await passes(next, [3]);
  await clear(next, 4);
  await passes(next, [4, 10]);
  expect(next.sentLines()).toEqual([]);
  await passes(next, [20, 21]);
  expect(next.sentLines()).toEqual(['chat 1 fired-and-resolved resolved n1:resolved']);
});

it('the end of what a channel was perhaps sent is due there, also after its route has another name', async () => {
  const options = { channels: [channel('ops', 'chat'), channel('chat')] };
  const fixture = createStageFixture(options);
  fixture.answers.ops = refuse;
  await fire(fixture);
  await passes(fixture, [2, 3]);
  const [owing] = (await fixture.state.openIncidents()).filter(({ value }) => value.channel === 'ops');
  const { value, version } = owing as NonNullable<typeof owing>;
  const attempt = value.attempt && { ...value.attempt, perhaps: value.alerts.map(episodeOf) };
  await fixture.state.commitIncidents({
    incidents: [{ value: { ...value, ...(attempt && { attempt }) }, version }],
    consumed: [],
  });
  await clear(fixture, 4);
  await passes(fixture, [4]);
  expect(fixture.sentLines()).toEqual([
    'chat 1 fallback firing n1:firing',
    'chat 2 all-resolved resolved n1:resolved',
  ]);
  const renamed = createStageFixture({
    ...options,
    routes: [{ ...route, name: 'another', channels: ['ops'] }],
    state: fixture.state,
  });
  renamed.time.jumpTo(START + 6 * MINUTE);
  await passes(renamed, [6, 12]);
  expect(renamed.sentLines()).toEqual(['ops 1 fired-and-resolved resolved n1:resolved']);
});

it('a change makes no second alert where the time of the firing is not that of the alert', async () => {
  const fixture = createStageFixture();
  // Releases before this stored with an alert when old samples made it fire; the first evaluation of its rule emitted that later.
  for (const minute of [0, 1, 2, 3, 4, 5]) fixture.put(minute, { n1: 95 });
  await fixture.goTo(5);
  await fixture.evaluate(5);
  await fixture.notify();
  for (const { value, version } of await fixture.state.listAlerts()) {
    const alert = { ...value, firedAtMs: value.sinceMs };
    await fixture.state.commitAlert({ alert, expectedVersion: version, transitions: [], dueAtMs: START });
  }
  const [alert] = await fixture.state.listAlerts();
  const [incident] = await fixture.state.openIncidents();
  expect(incident?.value.alerts[0]?.firedAtMs).not.toBe(alert?.value.firedAtMs);
  const next = createStageFixture({ ...both, state: fixture.state });
  next.time.jumpTo(START + 6 * MINUTE);
  await passes(next, [6, 7]);
  expect(next.sentLines()).toEqual(['chat 1 first firing n1:firing']);
  for (const { value } of await next.state.openIncidents()) expect(value.alerts).toHaveLength(1);
  expect(await undelivered(next)).toEqual([]);
});

it('an end that comes while a change is applied is not undone by it', async () => {
  const fixture = await (async () => {
    const one = createStageFixture();
    await fire(one);
    await one.notify();
    return one;
  })();
  // Alerts are read as they were before the end, which fan-out takes meanwhile.
  const before = await fixture.state.listAlerts();
  await clear(fixture, 4);
  await groupTransitions(fixture.config, fixture.ports);
  const late = createStageFixture({ ...both, state: { ...fixture.state, listAlerts: async () => before } });
  late.time.jumpTo(START + 4 * MINUTE);
  await late.notify();
  const open = (await fixture.state.openIncidents()).flatMap(({ value }) => value.alerts);
  expect(open.filter(({ status }) => status === 'firing')).toEqual([]);
});

it('an alert that fires in an incident and nowhere else is sent as ended with the next change', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  await fixture.notify();
  await clear(fixture, 4);
  // As if its transition had been lost.
  const [lost] = await fixture.state.dueOutbox(Infinity, 9);
  await fixture.state.commitIncidents({ incidents: [], consumed: [lost?.id ?? ''] });
  const next = createStageFixture({ ...both, state: fixture.state });
  next.time.jumpTo(START + 30 * MINUTE);
  await passes(next, [30, 31]);
  expect(next.sentLines()).toEqual(['ops 2 all-resolved resolved n1:resolved']);
  expect(next.sent[0]?.notification.alerts[0]).toMatchObject({ reason: 'revised' });
});
