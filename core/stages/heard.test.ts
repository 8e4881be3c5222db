import { describe, expect, it } from 'vitest';
import { channel, passes, refuse } from '../../test/stage-changes.ts';
import { clear, createWorld, fire, MINUTE, route, START, type World } from '../../test/stage-world.ts';
import { episodeOf } from '../notify/incident.ts';
import { suppressionJudge } from '../notify/suppression.ts';
import { undeliveredAlerts } from '../notify/undelivered.ts';
import { fanOut } from './fan-out.ts';

const both = {
  routes: [{ ...route, channels: ['ops', 'chat'] }],
  channels: [channel('ops'), channel('chat')],
};
async function undelivered(world: World) {
  const incidents = (await world.state.openIncidents()).map(({ value }) => value);
  const firing = (await world.state.listAlerts()).map(({ value }) => value);
  const nowMs = world.time.clock.nowMs();
  return undeliveredAlerts({
    incidents,
    firing,
    config: world.config,
    suppressionOf: (alert, rules) => suppressionJudge({ rules, silences: [], firing, nowMs })(alert),
  });
}

/** `chat` accepts all, `ops` nothing; the alert fires at 2 and ends at 4. */
async function refusedByOps(options = both): Promise<World> {
  const world = createWorld(options);
  world.answers.ops = refuse;
  await fire(world);
  await passes(world, [2, 3]);
  await clear(world, 4);
  await passes(world, [4]);
  expect(world.said()).toEqual(['chat 1 first firing n1:firing', 'chat 2 all-resolved resolved n1:resolved']);
  return world;
}

describe('an alert that one channel was sent and another was not', () => {
  it('is not undelivered after its end, though the other still owes it', async () => {
    const world = await refusedByOps();
    expect((await world.state.openIncidents()).map(({ value }) => value.channel)).toContain('ops');
    expect(await undelivered(world)).toEqual([]);
    world.answers.ops = async () => undefined;
    await passes(world, [12]);
    expect(world.said().slice(2)).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
  });

  it('is undelivered after its end while neither was sent it, and no longer once one was', async () => {
    const world = createWorld(both);
    world.answers.ops = refuse;
    world.answers.chat = refuse;
    await fire(world);
    await passes(world, [2]);
    await clear(world, 4);
    await passes(world, [4]);
    expect(await undelivered(world)).toHaveLength(1);
    world.answers.chat = async () => undefined;
    await passes(world, [10]);
    expect(world.said()).toEqual(['chat 2 fired-and-resolved resolved n1:resolved']);
    expect(await undelivered(world)).toEqual([]);
  });

  it.each([
    [
      'is renamed',
      { routes: [{ ...route, channels: ['pager', 'chat'] }], channels: [channel('pager'), channel('chat')] },
    ],
    ['is taken from the route', { routes: [{ ...route, channels: ['chat'] }], channels: both.channels }],
  ])('is not sent again to the first when the other %s', async (_, change) => {
    const world = await refusedByOps();
    const next = createWorld({ ...change, state: world.state });
    next.time.jumpTo(START + 6 * MINUTE);
    await passes(next, [6, 8, 15]);
    expect(next.said()).toEqual([]);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('the end that a renamed channel owed is sent by the new one alone', async () => {
    const world = createWorld(both);
    await fire(world);
    await passes(world, [2, 3]);
    world.answers.ops = refuse;
    await clear(world, 8);
    await passes(world, [8]);
    const renamed = {
      routes: [{ ...route, channels: ['pager', 'chat'] }],
      channels: [channel('pager'), channel('chat')],
    };
    const next = createWorld({ ...renamed, state: world.state });
    next.time.jumpTo(START + 10 * MINUTE);
    await passes(next, [10, 15]);
    expect(next.said()).toEqual(['pager 1 all-resolved resolved n1:resolved']);
  });
});

describe('a fallback that routes name anyway', () => {
  it.each(['firing', 'its end'])('is not handed %s a second time', async (what) => {
    const world = createWorld({
      routes: [
        { ...route, channels: ['ops'], continue: true },
        { ...route, name: 'second', channels: ['chat'], groupBy: ['node'] },
      ],
      channels: [channel('ops', 'chat'), channel('chat')],
    });
    if (what === 'firing') world.answers.ops = refuse;
    await fire(world);
    await passes(world, [2, 3]);
    world.answers.ops = refuse;
    await clear(world, 8);
    await passes(world, [8, 9, 20, 40]);
    const chat = world.said().filter((line) => line.startsWith('chat'));
    expect(chat).toEqual(['chat 1 first firing n1:firing', 'chat 2 all-resolved resolved n1:resolved']);
  });
});

it('the end of what a gone channel was sent is owed, also if a silence withholds it from the new one', async () => {
  const world = createWorld();
  await fire(world);
  await world.notify();
  const renamed = { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] };
  const next = createWorld({ ...renamed, state: world.state });
  next.config.silences = [{ match: {}, fromMs: START, untilMs: START + 20 * MINUTE, comment: '' }];
  next.time.jumpTo(START + 3 * MINUTE);
  await passes(next, [3]);
  await clear(next, 4);
  await passes(next, [4, 10]);
  expect(next.said()).toEqual([]);
  await passes(next, [20, 21]);
  expect(next.said()).toEqual(['chat 1 fired-and-resolved resolved n1:resolved']);
});

it('the end of what a channel was perhaps sent is owed there, also after its route has another name', async () => {
  const options = { channels: [channel('ops', 'chat'), channel('chat')] };
  const world = createWorld(options);
  world.answers.ops = refuse;
  await fire(world);
  await passes(world, [2, 3]);
  const [owing] = (await world.state.openIncidents()).filter(({ value }) => value.channel === 'ops');
  const { value, version } = owing as NonNullable<typeof owing>;
  const attempt = value.attempt && { ...value.attempt, perhaps: value.alerts.map(episodeOf) };
  await world.state.commitIncidents({
    incidents: [{ value: { ...value, ...(attempt && { attempt }) }, version }],
    consumed: [],
  });
  await clear(world, 4);
  await passes(world, [4]);
  expect(world.said()).toEqual([
    'chat 1 fallback firing n1:firing',
    'chat 2 all-resolved resolved n1:resolved',
  ]);
  const renamed = createWorld({
    ...options,
    routes: [{ ...route, name: 'another', channels: ['ops'] }],
    state: world.state,
  });
  renamed.time.jumpTo(START + 6 * MINUTE);
  await passes(renamed, [6, 12]);
  expect(renamed.said()).toEqual(['ops 1 fired-and-resolved resolved n1:resolved']);
});

it('a change makes no second alert where the time of the firing is not that of the alert', async () => {
  const world = createWorld();
  // The first evaluation of a rule tells at its own time what fired before.
  for (const minute of [0, 1, 2, 3, 4, 5]) world.put(minute, { n1: 95 });
  await world.goTo(5);
  await world.judge(5);
  await world.notify();
  const [alert] = await world.state.listAlerts();
  const [incident] = await world.state.openIncidents();
  expect(incident?.value.alerts[0]?.firedAtMs).not.toBe(alert?.value.firedAtMs);
  const next = createWorld({ ...both, state: world.state });
  next.time.jumpTo(START + 6 * MINUTE);
  await passes(next, [6, 7]);
  expect(next.said()).toEqual(['chat 1 first firing n1:firing']);
  for (const { value } of await next.state.openIncidents()) expect(value.alerts).toHaveLength(1);
  expect(await undelivered(next)).toEqual([]);
});

it('an end that comes while a change is applied is not undone by it', async () => {
  const world = await (async () => {
    const one = createWorld();
    await fire(one);
    await one.notify();
    return one;
  })();
  // Alerts are read as they were before the end, which fan-out takes meanwhile.
  const before = await world.state.listAlerts();
  await clear(world, 4);
  await fanOut(world.config, world.ports);
  const late = createWorld({ ...both, state: { ...world.state, listAlerts: async () => before } });
  late.time.jumpTo(START + 4 * MINUTE);
  await late.notify();
  const open = (await world.state.openIncidents()).flatMap(({ value }) => value.alerts);
  expect(open.filter(({ status }) => status === 'firing')).toEqual([]);
});

it('an alert that fires in an incident and nowhere else is sent as ended with the next change', async () => {
  const world = createWorld();
  await fire(world);
  await world.notify();
  await clear(world, 4);
  // As if its transition had been lost.
  const [lost] = await world.state.dueOutbox(Infinity, 9);
  await world.state.commitIncidents({ incidents: [], consumed: [lost?.id ?? ''] });
  const next = createWorld({ ...both, state: world.state });
  next.time.jumpTo(START + 30 * MINUTE);
  await passes(next, [30, 31]);
  expect(next.said()).toEqual(['ops 2 all-resolved resolved n1:resolved']);
  expect(next.sent[0]?.notification.alerts[0]).toMatchObject({ reason: 'revised' });
});
