import { describe, expect, it } from 'vitest';
import { clear, createWorld, fire, MINUTE, memory, nodeDown, route, START } from '../../test/stage-world.ts';
import type { Rule } from '../model.ts';
import { store } from './store.ts';

describe('the usual course', () => {
  it('says firing with a picture, then resolved after groupInterval, each once', async () => {
    const world = createWorld({ routes: [{ ...route, resolvedEarly: false }] });
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    expect(world.sent[0]).toMatchObject({ picture: { alt: 'chart' }, atMs: START + 2 * MINUTE });
    await clear(world, 3);
    await world.notify();
    expect(world.sent).toHaveLength(1);
    await world.goTo(7);
    await world.notify();
    expect(world.said().slice(1)).toEqual(['ops 2 all-resolved resolved n1:resolved']);
    expect(await world.state.listIncidents({ open: true, limit: 9 })).toEqual([]);
    expect(await world.state.nextDueMs()).toBeUndefined();
    const deliveries = await world.state.listDeliveries({ limit: 9 });
    expect(deliveries.map(({ number, outcome, picture }) => [number, outcome, picture])).toEqual([
      [2, 'delivered', 'sent'],
      [1, 'delivered', 'sent'],
    ]);
  });

  it('says the end of the last alert at once, and once per groupInterval only', async () => {
    const world = createWorld();
    await fire(world);
    await world.notify();
    const flap = async (minute: number, value: number) => {
      world.put(minute, { n1: value, n2: 50 });
      await world.goTo(minute);
      await world.judge(minute);
      await world.notify();
    };
    for (const [minute, value] of [40, 95, 95, 95, 40, 40, 40, 40].entries()) await flap(3 + minute, value);
    expect(world.said()).toEqual([
      'ops 1 first firing n1:firing',
      'ops 2 all-resolved resolved n1:resolved',
      'ops 3 first firing n1:firing',
      'ops 4 all-resolved resolved n1:resolved',
    ]);
    expect(world.sent.map(({ atMs }) => (atMs - START) / MINUTE)).toEqual([2, 3, 6, 8]);
    await flap(13, 40);
    expect(await world.state.openIncidents()).toEqual([]);
    expect(await world.state.nextDueMs()).toBeUndefined();
  });

  it('says an alert that fired and cleared during an outage in one message with both times', async () => {
    const world = createWorld();
    await world.judge(-1);
    for (const [minute, value] of [95, 95, 95, 95, 40].entries()) world.put(minute, { n1: value });
    await world.goTo(30);
    await world.judge(4);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 fired-and-resolved resolved n1:resolved']);
    expect(world.sent[0]?.notification.alerts[0]).toMatchObject({
      firedAtMs: START + 2 * MINUTE,
      resolvedAtMs: START + 4 * MINUTE,
    });
  });

  it('says again what still fires after repeatInterval', async () => {
    const world = createWorld();
    await fire(world);
    await world.notify();
    await world.goTo(61.9);
    await world.notify();
    expect(world.sent).toHaveLength(1);
    await world.goTo(62);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing', 'ops 2 repeat firing n1:firing']);
  });

  it('puts alerts of a rule and cluster that fire together into one message', async () => {
    const world = createWorld();
    for (const minute of [0, 1, 2]) world.put(minute, { n1: 95, n2: 99 });
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n2:firing+n1:firing']);
  });

  it('says how the probe failed when a node is down', async () => {
    const world = createWorld({ rules: [nodeDown] });
    for (const minute of [0, 1, 2]) world.put(minute, { n1: 0, n2: 1 }, 'up');
    const status = {
      cluster: 'prod',
      node: 'n1',
      check: 'usage',
      roundMs: 1,
      ok: false,
      reason: 'unreachable',
      detail: 'refused',
    } as const;
    // Of a check that looks no more.
    const former = { ...status, check: 'former', roundMs: 0, detail: 'long ago' };
    await world.state.putTargetStatus([former, status], { bastion: 'b', index: 0 });
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.sent[0]?.notification.alerts[0]?.detail).toBe('unreachable: refused');
  });

  it('says why a bastion is lost', async () => {
    const aggregate = { by: ['bastion'], op: 'max' } as const;
    const lost: Rule = { ...nodeDown, name: 'bastion-lost', metric: 'bastion_up', aggregate };
    const world = createWorld({ rules: [lost] });
    const failure = { reason: 'forbidden', phase: 'dial', detail: 'not let through' } as const;
    for (const minute of [0, 1, 2]) {
      const roundMs = START + minute * MINUTE;
      const batch = { roundMs, bastion: 'b', index: 0, count: 1, checks: [], targets: [], expiresAtMs: 0 };
      await store({ batch, bastion: { ok: false, failure }, observations: [] }, world.ports, MINUTE);
    }
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.sent[0]?.notification.alerts[0]).toMatchObject({
      labels: { bastion: 'b' },
      detail: 'forbidden: not let through',
    });
  });

  it('says memory of a node only while that node is not known to be down', async () => {
    const world = createWorld({ rules: [memory, nodeDown] });
    for (const minute of [0, 1, 2]) {
      world.put(minute, { n1: 95 });
      world.put(minute, { n2: 0 }, 'up');
    }
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.sent.map(({ notification: n }) => [n.alerts[0]?.rule, n.alerts[0]?.labels.node])).toEqual([
      ['memory', 'n1'],
      ['node-down', 'n2'],
    ]);
  });

  it('resolves the alerts of a rule that is gone from the configuration', async () => {
    const world = createWorld();
    await fire(world);
    await world.notify();
    world.config.rules = [];
    await world.judge(3);
    await world.goTo(8);
    await world.notify();
    expect(world.said().at(-1)).toBe('ops 2 all-resolved resolved n1:resolved');
    expect(world.sent.at(-1)?.notification.alerts[0]).toMatchObject({ reason: 'removed', title: 'Memory' });
    expect(await world.state.listRules()).toEqual([]);
  });
});

describe('a silence', () => {
  it('withholds the message and says it when the silence ends', async () => {
    const world = createWorld();
    world.config.silences = [
      { match: { node: ['n1'] }, fromMs: START, untilMs: START + 10 * MINUTE, comment: '' },
    ];
    await fire(world);
    await world.notify();
    expect(world.sent).toEqual([]);
    expect(await world.state.nextDueMs()).toBe(START + 10 * MINUTE);
    await world.goTo(10);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 silence-ended firing n1:firing']);
  });

  it('holds back no other alert of its group', async () => {
    const world = createWorld();
    world.config.silences = [
      { match: { node: ['n1'] }, fromMs: START, untilMs: START + 600 * MINUTE, comment: '' },
    ];
    await fire(world);
    await world.notify();
    for (const minute of [3, 4, 5]) world.put(minute, { n1: 95, n2: 95 });
    await world.goTo(5);
    await world.judge(5);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n2:firing']);
  });

  it('never tells of what began and ended within it, and keeps nothing of it', async () => {
    const world = createWorld();
    world.config.silences = [{ match: {}, fromMs: START, untilMs: START + 600 * MINUTE, comment: '' }];
    await fire(world);
    await world.notify();
    await clear(world, 3);
    await world.notify();
    expect(await world.state.listIncidents({ open: true, limit: 9 })).toEqual([]);
    await world.goTo(601);
    await world.notify();
    expect(world.sent).toEqual([]);
  });
});

it('an inhibited alert that ends before anybody heard of it is not told', async () => {
  const disk: Rule = { ...nodeDown, metric: 'disk_usage', condition: { kind: 'above', threshold: 90 } };
  const world = createWorld({ rules: [memory, disk] });
  await world.judge(-1);
  for (const minute of [0, 1, 2]) {
    world.put(minute, { n1: 95 });
    world.put(minute, { n1: 95 }, 'disk_usage');
  }
  await world.goTo(2);
  await world.judge(2);
  await world.notify();
  world.put(3, { n1: 40 });
  world.put(3, { n1: 40 }, 'disk_usage');
  await world.goTo(3);
  await world.judge(3);
  await world.goTo(9);
  await world.notify();
  expect(world.sent.map(({ notification }) => notification.alerts[0]?.rule)).toEqual([
    'node-down',
    'node-down',
  ]);
});

it('goes on when the clock had been ahead by a day, and says so', async () => {
  const world = createWorld();
  await world.judge(1_440);
  for (const minute of [0, 1, 2, 3]) world.put(minute, { n1: 95 });
  await world.goTo(2);
  await world.judge(2);
  await world.notify();
  expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  expect(world.counted.get('checkpoints_ahead_total')).toBe(1);
});

it('a message that comes later than the lateness rewinds nothing', async () => {
  const world = createWorld();
  await fire(world);
  await world.notify();
  await clear(world, 3);
  await world.notify();
  for (let minute = 4; minute <= 30; minute++) world.put(minute, { n1: 50 });
  await world.goTo(30);
  await world.judge(30);
  await world.judge(2);
  await world.judge(31);
  await world.notify();
  expect(world.said()).toHaveLength(2);
  expect(await world.state.listAlerts()).toEqual([]);
  expect(world.counted.get('checkpoints_ahead_total')).toBeUndefined();
});

it('is not confused by a clock that was set back a little', async () => {
  const world = createWorld();
  await fire(world);
  await world.notify();
  await world.judge(1);
  world.put(3, { n1: 95 });
  await world.judge(3);
  await world.notify();
  expect(world.sent).toHaveLength(1);
});

it('asks the store once for what all rules share', async () => {
  const world = createWorld({ rules: ['a', 'b', 'c'].map((name) => ({ ...memory, name })) });
  const asked: string[] = [];
  const { query } = world.ports.store;
  world.ports.store.query = (wanted) => {
    asked.push(wanted.metric);
    return query(wanted);
  };
  await world.judge(0);
  expect(asked.sort()).toEqual(['mem_usage', 'mem_usage', 'mem_usage', 'up']);
});
