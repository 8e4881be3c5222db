import { describe, expect, it } from 'vitest';
import { channel, passes, refuse, restarted } from '../../test/stage-changes.ts';
import {
  clear,
  createWorld,
  fire,
  MINUTE,
  memory,
  route,
  START,
  type World,
} from '../../test/stage-world.ts';

async function firedAndSent(options: Parameters<typeof createWorld>[0] = {}): Promise<World> {
  const world = createWorld(options);
  await fire(world);
  await world.notify();
  return world;
}

describe('after a change of the configuration', () => {
  it.each([
    ['removed', []],
    ['shortened', [{ match: {}, fromMs: START, untilMs: START + 4 * MINUTE, comment: '' }]],
  ])('what a silence of years withheld is sent when that is %s', async (_, silences) => {
    const world = createWorld();
    world.config.silences = [{ match: {}, fromMs: START, untilMs: START + 1e9 * MINUTE, comment: '' }];
    await fire(world);
    await world.notify();
    const next = restarted(world, {}, 5);
    next.config.silences = silences;
    await next.notify();
    expect(next.said()).toEqual(['ops 1 silence-ended firing n1:firing']);
  });

  it('a silence that comes withholds what was not sent', async () => {
    const world = createWorld();
    world.answers.ops = refuse;
    await fire(world);
    await world.notify();
    const next = restarted(world, {}, 8);
    next.config.silences = [{ match: {}, fromMs: START, untilMs: START + 1e6 * MINUTE, comment: '' }];
    await passes(next, [8, 9, 20]);
    expect(next.sent).toEqual([]);
  });

  it('a renamed channel is sent what the old one was owed, and the end of what it was sent', async () => {
    const world = await firedAndSent();
    const renamed = { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] };
    const firing = restarted(world, renamed, 3);
    await firing.notify();
    expect(firing.said()).toEqual(['chat 1 first firing n1:firing']);
    await clear(firing, 4);
    await passes(firing, [4, 5, 9]);
    expect(firing.said().slice(1)).toEqual(['chat 2 all-resolved resolved n1:resolved']);
    expect(await firing.state.openIncidents()).toEqual([]);
  });

  it('the resolved that a channel owed when it went is sent by the one that takes its place', async () => {
    const world = await firedAndSent();
    world.answers.ops = refuse;
    await clear(world, 4);
    await world.notify();
    const next = restarted(
      world,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      6,
    );
    await next.notify();
    expect(next.said()).toEqual(['chat 1 all-resolved resolved n1:resolved']);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('that it fired and resolved is sent once, by the channel that takes the place', async () => {
    const world = createWorld();
    world.answers.ops = refuse;
    await fire(world);
    await world.notify();
    await clear(world, 4);
    await world.notify();
    const next = restarted(
      world,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      6,
    );
    await passes(next, [6, 7, 12]);
    expect(next.said()).toEqual(['chat 1 fired-and-resolved resolved n1:resolved']);
  });

  it('a channel that is added to the route hears of what fires; the others hear nothing again', async () => {
    const world = await firedAndSent();
    const both = {
      routes: [{ ...route, channels: ['ops', 'pager'] }],
      channels: [channel('ops'), channel('pager')],
    };
    const next = restarted(world, both, 3);
    await passes(next, [3, 4, 9]);
    expect(next.said()).toEqual(['pager 1 first firing n1:firing']);
    await clear(next, 10);
    await next.notify();
    expect(next.said().slice(1).sort()).toEqual([
      'ops 2 all-resolved resolved n1:resolved',
      'pager 2 all-resolved resolved n1:resolved',
    ]);
  });

  it('a route that sent to nobody and now names a channel sends what fires', async () => {
    const world = await firedAndSent({ routes: [{ ...route, channels: [] }] });
    expect(world.counted.get('transitions_unrouted_total')).toBeUndefined();
    const next = restarted(world, {}, 3);
    await next.notify();
    expect(next.said()).toEqual(['ops 1 first firing n1:firing']);
  });

  it.each([
    ['a renamed route', { ...route, name: 'other' }],
    ['another groupBy', { ...route, groupBy: ['cluster', 'node'] }],
    ['a route in front', { ...route, name: 'front', match: { node: ['n1'] } }],
  ])('%s sends nothing again, keeps the pace of reminders, and sends the end', async (_, changed) => {
    const world = await firedAndSent();
    const next = restarted(
      world,
      { routes: [changed, route].slice(0, changed.name === 'front' ? 2 : 1) },
      30,
    );
    await passes(next, [30, 40, 61.9]);
    expect(next.said()).toEqual([]);
    await passes(next, [62]);
    expect(next.said()).toEqual([expect.stringMatching(/^ops \d repeat firing n1:firing$/)]);
    await clear(next, 70);
    await next.notify();
    expect(next.said().slice(1)).toEqual([
      expect.stringMatching(/^ops \d all-resolved resolved n1:resolved$/),
    ]);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('catching up is one message for a channel and group, however many incidents there were', async () => {
    const byNode = { routes: [{ ...route, groupBy: ['node'] }] };
    const world = createWorld(byNode);
    for (const minute of [0, 1, 2]) world.put(minute, { n1: 95, n2: 99 });
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.sent).toHaveLength(2);
    const next = restarted(
      world,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      3,
    );
    await next.notify();
    expect(next.said()).toEqual(['chat 1 first firing n2:firing+n1:firing']);
  });

  it('a route that no longer names a channel still sends it the end of what it was sent, and nothing else', async () => {
    const both = {
      routes: [{ ...route, channels: ['ops', 'pager'] }],
      channels: [channel('ops'), channel('pager')],
    };
    const world = createWorld(both);
    world.answers.pager = refuse;
    await fire(world);
    await world.notify();
    const neither = {
      routes: [{ ...route, channels: ['chat'] }],
      channels: [...both.channels, channel('chat')],
    };
    const next = restarted(world, neither, 10);
    await next.notify();
    expect(next.said()).toEqual(['chat 1 first firing n1:firing']);
    await clear(next, 20);
    await next.notify();
    expect(next.said().slice(1).sort()).toEqual([
      'chat 2 all-resolved resolved n1:resolved',
      'ops 2 all-resolved resolved n1:resolved',
    ]);
  });

  it('a name that comes back is not sent the same firing again', async () => {
    const world = await firedAndSent();
    const away = restarted(
      world,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      3,
    );
    await away.notify();
    const back = restarted(world, {}, 5);
    await passes(back, [5, 6, 11]);
    expect(back.said()).toEqual([]);
    await clear(back, 12);
    await back.notify();
    expect(back.said()).toEqual(['ops 2 all-resolved resolved n1:resolved']);
  });

  it('what is owed with nowhere to go is dropped, counted and logged', async () => {
    const world = await firedAndSent();
    world.answers.ops = refuse;
    await clear(world, 4);
    await world.notify();
    const next = restarted(world, { routes: [{ ...route, channels: [] }], channels: [channel('chat')] }, 6);
    await next.notify();
    expect(next.counted.get('alerts_dropped_total')).toBe(1);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('a message follows a rule as it is today', async () => {
    const world = await firedAndSent();
    const stricter = {
      ...memory,
      condition: { kind: 'above', threshold: 80 } as const,
      severity: 'critical' as const,
    };
    const next = restarted(world, { rules: [stricter] }, 62);
    await next.notify();
    expect(next.sent[0]?.notification).toMatchObject({
      severity: 'critical',
      alerts: [{ conditionText: '> 80%', severity: 'critical' }],
    });
  });

  it('nothing changes without a change, and a message under way is left to its sender', async () => {
    const world = await firedAndSent();
    // A store of many processes is looked at once more a minute later.
    await passes(world, [3.5]);
    let writes = 0;
    const { commitIncidents } = world.state;
    world.state.commitIncidents = async (commit) => {
      writes++;
      await commitIncidents(commit);
    };
    await passes(world, [4, 5, 6]);
    expect(writes).toBe(0);
  });
});
