import { describe, expect, it } from 'vitest';
import {
  clear,
  createStageFixture,
  fire,
  MINUTE,
  memory,
  nodeDown,
  route,
  START,
} from '../../test/stage-fixture.ts';
import type { Rule } from '../model/rule.ts';
import { WHOLE } from '../plan/shards.ts';
import { store } from './store.ts';

describe('the usual course', () => {
  it('sends firing with a picture, then resolved after groupInterval, each once', async () => {
    const fixture = createStageFixture({ routes: [{ ...route, resolvedEarly: false }] });
    await fire(fixture);
    await fixture.notify();
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
    expect(fixture.sent[0]).toMatchObject({ picture: { alt: 'chart' }, atMs: START + 2 * MINUTE });
    await clear(fixture, 3);
    await fixture.notify();
    expect(fixture.sent).toHaveLength(1);
    await fixture.goTo(7);
    await fixture.notify();
    expect(fixture.sentLines().slice(1)).toEqual(['ops 2 all-resolved resolved n1:resolved']);
    expect(await fixture.state.listIncidents({ open: true, limit: 9 })).toEqual([]);
    expect(await fixture.state.nextDueMs()).toBeUndefined();
    const deliveries = await fixture.state.listDeliveries({ limit: 9 });
    expect(deliveries.map(({ number, outcome, picture }) => [number, outcome, picture])).toEqual([
      [2, 'delivered', 'sent'],
      [1, 'delivered', 'sent'],
    ]);
  });

  it('sends the end of the last alert at once, and once per groupInterval only', async () => {
    const fixture = createStageFixture();
    await fire(fixture);
    await fixture.notify();
    const flap = async (minute: number, value: number) => {
      fixture.put(minute, { n1: value, n2: 50 });
      await fixture.goTo(minute);
      await fixture.evaluate(minute);
      await fixture.notify();
    };
    for (const [minute, value] of [40, 95, 95, 95, 40, 40, 40, 40].entries()) await flap(3 + minute, value);
    expect(fixture.sentLines()).toEqual([
      'ops 1 first firing n1:firing',
      'ops 2 all-resolved resolved n1:resolved',
      'ops 3 first firing n1:firing',
      'ops 4 all-resolved resolved n1:resolved',
    ]);
    expect(fixture.sent.map(({ atMs }) => (atMs - START) / MINUTE)).toEqual([2, 3, 6, 8]);
    await flap(13, 40);
    expect(await fixture.state.openIncidents()).toEqual([]);
    expect(await fixture.state.nextDueMs()).toBeUndefined();
  });

  it('sends an alert that fired and cleared during an outage in one message with both times', async () => {
    const fixture = createStageFixture();
    await fixture.evaluate(-1);
    for (const [minute, value] of [95, 95, 95, 95, 40].entries()) fixture.put(minute, { n1: value });
    await fixture.goTo(30);
    await fixture.evaluate(4);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 fired-and-resolved resolved n1:resolved']);
    expect(fixture.sent[0]?.notification.alerts[0]).toMatchObject({
      firedAtMs: START + 2 * MINUTE,
      resolvedAtMs: START + 4 * MINUTE,
    });
  });

  it('sends again what still fires after repeatInterval', async () => {
    const fixture = createStageFixture();
    await fire(fixture);
    await fixture.notify();
    await fixture.goTo(61.9);
    await fixture.notify();
    expect(fixture.sent).toHaveLength(1);
    await fixture.goTo(62);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing', 'ops 2 repeat firing n1:firing']);
  });

  it('puts alerts of a rule and cluster that fire together into one message', async () => {
    const fixture = createStageFixture();
    for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 99 });
    await fixture.goTo(2);
    await fixture.evaluate(2);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n2:firing+n1:firing']);
  });

  it('explains how the probe failed when a node is down', async () => {
    const fixture = createStageFixture({ rules: [nodeDown] });
    for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 0, n2: 1 }, 'up');
    const status = {
      cluster: 'prod',
      node: 'n1',
      check: 'usage',
      roundMs: 1,
      ok: false,
      reason: 'unreachable',
      detail: 'refused',
    } as const;
    // A check that no longer runs left it.
    const former = { ...status, check: 'former', roundMs: 0, detail: 'long ago' };
    await fixture.state.putTargetStatus([former, status], { bastion: 'b', index: 0 });
    await fixture.goTo(2);
    await fixture.evaluate(2);
    await fixture.notify();
    expect(fixture.sent[0]?.notification.alerts[0]?.detail).toBe('unreachable: refused');
  });

  it('explains why a bastion is lost', async () => {
    const aggregate = { by: ['bastion'], op: 'max' } as const;
    const lost: Rule = { ...nodeDown, name: 'bastion-lost', metric: 'bastion_up', aggregate };
    const fixture = createStageFixture({ rules: [lost] });
    const settings = { config: fixture.config, shards: [WHOLE] };
    const failure = { reason: 'forbidden', phase: 'dial', detail: 'not let through' } as const;
    for (const minute of [0, 1, 2]) {
      const roundMs = START + minute * MINUTE;
      const batch = { roundMs, bastion: 'b', index: 0, count: 1, checks: [], targets: [], expiresAtMs: 0 };
      await store({ batch, bastion: { ok: false, failure }, observations: [] }, fixture.ports, settings);
    }
    await fixture.goTo(2);
    await fixture.evaluate(2);
    await fixture.notify();
    expect(fixture.sent[0]?.notification.alerts[0]).toMatchObject({
      labels: { bastion: 'b' },
      detail: 'forbidden: not let through',
    });
  });

  it('sends memory of a node only while that node is not known to be down', async () => {
    const fixture = createStageFixture({ rules: [memory, nodeDown] });
    for (const minute of [0, 1, 2]) {
      fixture.put(minute, { n1: 95 });
      fixture.put(minute, { n2: 0 }, 'up');
    }
    await fixture.goTo(2);
    await fixture.evaluate(2);
    await fixture.notify();
    expect(fixture.sent.map(({ notification: n }) => [n.alerts[0]?.rule, n.alerts[0]?.labels.node])).toEqual([
      ['memory', 'n1'],
      ['node-down', 'n2'],
    ]);
  });

  it('resolves the alerts of a rule that is gone from the configuration', async () => {
    const fixture = createStageFixture();
    await fire(fixture);
    await fixture.notify();
    fixture.config.rules = [];
    await fixture.evaluate(3);
    await fixture.goTo(8);
    await fixture.notify();
    expect(fixture.sentLines().at(-1)).toBe('ops 2 all-resolved resolved n1:resolved');
    expect(fixture.sent.at(-1)?.notification.alerts[0]).toMatchObject({ reason: 'removed', title: 'Memory' });
    expect(await fixture.state.listRules()).toEqual([]);
  });
});

describe('a silence', () => {
  it('withholds the message and sends it when the silence ends', async () => {
    const fixture = createStageFixture();
    fixture.config.silences = [
      { match: { node: ['n1'] }, fromMs: START, untilMs: START + 10 * MINUTE, comment: '' },
    ];
    await fire(fixture);
    await fixture.notify();
    expect(fixture.sent).toEqual([]);
    expect(await fixture.state.nextDueMs()).toBe(START + 10 * MINUTE);
    await fixture.goTo(10);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 silence-ended firing n1:firing']);
  });

  it('withholds no other alert of its group', async () => {
    const fixture = createStageFixture();
    fixture.config.silences = [
      { match: { node: ['n1'] }, fromMs: START, untilMs: START + 600 * MINUTE, comment: '' },
    ];
    await fire(fixture);
    await fixture.notify();
    for (const minute of [3, 4, 5]) fixture.put(minute, { n1: 95, n2: 95 });
    await fixture.goTo(5);
    await fixture.evaluate(5);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n2:firing']);
  });

  it('never sends what began and ended within it, and keeps nothing of it', async () => {
    const fixture = createStageFixture();
    fixture.config.silences = [{ match: {}, fromMs: START, untilMs: START + 600 * MINUTE, comment: '' }];
    await fire(fixture);
    await fixture.notify();
    await clear(fixture, 3);
    await fixture.notify();
    expect(await fixture.state.listIncidents({ open: true, limit: 9 })).toEqual([]);
    await fixture.goTo(601);
    await fixture.notify();
    expect(fixture.sent).toEqual([]);
  });
});

it('an inhibited alert that ends before anybody was notified is not sent', async () => {
  const disk: Rule = { ...nodeDown, metric: 'disk_usage', condition: { kind: 'above', threshold: 90 } };
  const fixture = createStageFixture({ rules: [memory, disk] });
  await fixture.evaluate(-1);
  for (const minute of [0, 1, 2]) {
    fixture.put(minute, { n1: 95 });
    fixture.put(minute, { n1: 95 }, 'disk_usage');
  }
  await fixture.goTo(2);
  await fixture.evaluate(2);
  await fixture.notify();
  fixture.put(3, { n1: 40 });
  fixture.put(3, { n1: 40 }, 'disk_usage');
  await fixture.goTo(3);
  await fixture.evaluate(3);
  await fixture.goTo(9);
  await fixture.notify();
  expect(fixture.sent.map(({ notification }) => notification.alerts[0]?.rule)).toEqual([
    'node-down',
    'node-down',
  ]);
});

it('goes on when the clock had been ahead by a day, and logs it', async () => {
  const fixture = createStageFixture();
  await fixture.evaluate(1_440);
  for (const minute of [0, 1, 2, 3]) fixture.put(minute, { n1: 95 });
  await fixture.goTo(2);
  await fixture.evaluate(2);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  expect(fixture.counted.get('checkpoints_ahead_total')).toBe(1);
});

it('a message that comes later than the lateness rewinds nothing', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  await fixture.notify();
  await clear(fixture, 3);
  await fixture.notify();
  for (let minute = 4; minute <= 30; minute++) fixture.put(minute, { n1: 50 });
  await fixture.goTo(30);
  await fixture.evaluate(30);
  await fixture.evaluate(2);
  await fixture.evaluate(31);
  await fixture.notify();
  expect(fixture.sentLines()).toHaveLength(2);
  expect(await fixture.state.listAlerts()).toEqual([]);
  expect(fixture.counted.get('checkpoints_ahead_total')).toBeUndefined();
});

it('is not confused by a clock that was set back a little', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  await fixture.notify();
  await fixture.evaluate(1);
  fixture.put(3, { n1: 95 });
  await fixture.evaluate(3);
  await fixture.notify();
  expect(fixture.sent).toHaveLength(1);
});

it('asks the store once for what all rules share', async () => {
  const fixture = createStageFixture({ rules: ['a', 'b', 'c'].map((name) => ({ ...memory, name })) });
  const asked: string[] = [];
  const { query } = fixture.ports.store;
  fixture.ports.store.query = (wanted) => {
    asked.push(wanted.metric);
    return query(wanted);
  };
  await fixture.evaluate(0);
  expect(asked.sort()).toEqual(['mem_usage', 'up']);
});
