import { describe, expect, it } from 'vitest';
import { clear, createStageFixture, fire, MINUTE, memory, route, START } from '../../test/stage-fixture.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import { createInventoryLabels } from './inventory-labels.ts';

const acme = { customer: 'acme', zone: 'z1' };
const summary = '{{node}} of {{customer}} in {{rack}}';
const channels = ['ops', 'vip'].map((name) => ({
  name,
  type: 'webhook',
  theme: 'dark' as const,
  options: {},
}));
const routes = [
  { ...route, name: 'vip', match: { customer: ['acme'] }, channels: ['vip'], groupBy: ['rule', 'customer'] },
  route,
];
const only = (labels: Labels) => ({
  where: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, [value]])),
});

describe('what the inventory says', () => {
  const target = (cluster: string, node: string, labels?: Labels): Target => ({
    ...{ cluster, node, role: 'etcd', host: 'h', port: 22, user: 'u', bastion: 'b', hostKeys: [] },
    ...(labels && { labels }),
  });
  const find = createInventoryLabels([
    target('prod', 'a', { zone: 'z1', customer: 'acme' }),
    target('prod', 'b', { zone: 'z2', customer: 'acme' }),
    target('mixed', 'a', { zone: 'z1' }),
    target('mixed', 'b'),
    target('plain', 'a'),
  ]);

  it.each<[string, Labels, Labels | undefined]>([
    ['of a node', { cluster: 'prod', node: 'b', role: 'etcd' }, { zone: 'z2', customer: 'acme' }],
    ['of a cluster: in what all its nodes agree', { cluster: 'prod' }, { customer: 'acme' }],
    ['of a cluster one node of which has none', { cluster: 'mixed' }, {}],
    ['of a node without any', { cluster: 'plain', node: 'a' }, {}],
    ['of a node that it lacks', { cluster: 'prod', node: 'c' }, undefined],
    ['of a cluster that it lacks', { cluster: 'gone' }, undefined],
    ['of no cluster', { bastion: 'b' }, undefined],
  ])('%s', (_, labels, expected) => {
    expect(find(labels)).toEqual(expected);
  });
});

it('decides where an alert goes, how it is grouped, and what its message says', async () => {
  const fixture = createStageFixture({ rules: [{ ...memory, summary }], routes, channels });
  fixture.label('n1', acme);
  await fire(fixture);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['vip 1 first firing n1:firing']);
  const [{ notification } = {}] = fixture.sent;
  expect(notification?.groupLabels).toEqual({ rule: 'memory', customer: 'acme' });
  expect(notification?.alerts[0]).toMatchObject({ summary: 'n1 of acme in –', inventoryLabels: acme });
  expect(notification?.alerts[0]?.labels).toEqual({ cluster: 'prod', node: 'n1', role: 'etcd' });
});

it('counts as it was when the alert fired: a later change opens no second alert and moves no message', async () => {
  const fixture = createStageFixture({ routes, channels });
  fixture.label('n1', acme);
  await fire(fixture);
  await fixture.notify();
  fixture.label('n1', { customer: 'other' });
  fixture.put(3, { n1: 96, n2: 50 });
  await fixture.goTo(3);
  await fixture.evaluate(3);
  await fixture.notify();
  const [stored] = await fixture.state.listAlerts();
  expect(stored?.value.inventoryLabels).toEqual(acme);
  await clear(fixture, 9);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual([
    'vip 1 first firing n1:firing',
    'vip 2 all-resolved resolved n1:resolved',
  ]);
  for (const minute of [10, 11, 12]) fixture.put(minute, { n1: 95, n2: 50 });
  await fixture.goTo(12);
  await fixture.evaluate(12);
  await fixture.notify();
  expect(fixture.sentLines().slice(2)).toEqual(['ops 1 first firing n1:firing']);
});

it('that changes while an alert is pending does not break its hold, and counts when it fires', async () => {
  const fixture = createStageFixture({ routes, channels });
  for (const minute of [0, 1, 2]) {
    fixture.put(minute, { n1: 95, n2: 50 });
    await fixture.goTo(minute);
    if (minute === 2) fixture.label('n1', acme);
    await fixture.evaluate(minute);
  }
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['vip 1 first firing n1:firing']);
});

describe.each<[string, Labels | undefined]>([
  ['another node has labels', { customer: 'other' }],
  ['no node has labels', undefined],
])('that goes while an alert is pending is gone when it fires, where %s', (_, ofOther) => {
  it.each<[string, Rule]>([
    ['the labels of its node', memory],
    ['those in which its cluster agreed', { ...memory, aggregate: { by: ['cluster'], op: 'max' } }],
  ])('%s', async (__, rule) => {
    const fixture = createStageFixture({ rules: [rule], routes, channels });
    fixture.label('n1', acme);
    fixture.label('n2', acme);
    for (const minute of [0, 1, 2]) {
      fixture.put(minute, { n1: 95, n2: 50 });
      await fixture.goTo(minute);
      if (minute === 2) {
        fixture.label('n1', undefined);
        fixture.label('n2', ofOther);
      }
      await fixture.evaluate(minute);
    }
    await fixture.notify();
    expect(fixture.sent.map(({ channel }) => channel)).toEqual(['ops']);
    const [stored] = await fixture.state.listAlerts();
    expect([stored?.value.status, stored?.value.inventoryLabels]).toEqual(['firing', undefined]);
  });
});

it('is what a silence can match', async () => {
  const fixture = createStageFixture({ channels });
  const silence = { fromMs: 0, untilMs: START + 60 * MINUTE, comment: '' };
  fixture.config.silences = [{ ...silence, match: { customer: ['ac*'] } }];
  fixture.label('n1', acme);
  for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 95 });
  await fixture.goTo(2);
  await fixture.evaluate(2);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n2:firing']);
});

describe('a rule on a label of the inventory', () => {
  it.each([
    ['where', only({ customer: 'acme' }), ['n1']],
    ['whereNot', { whereNot: { customer: ['acme'] } }, ['n2']],
    ['two labels', only({ customer: 'acme', zone: 'z2' }), []],
  ])('is for the nodes that have it: %s', async (_, inventory, expected) => {
    const fixture = createStageFixture({ rules: [{ ...memory, inventory }] });
    fixture.label('n1', acme);
    for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 95 });
    await fixture.goTo(2);
    await fixture.evaluate(2);
    expect((await fixture.state.listAlerts()).map(({ value }) => value.labels.node)).toEqual(expected);
  });

  it('ends an alert, and says why, when the node loses the label', async () => {
    const fixture = createStageFixture({ rules: [{ ...memory, inventory: only({ customer: 'acme' }) }] });
    fixture.label('n1', acme);
    await fire(fixture);
    await fixture.notify();
    fixture.label('n1', undefined);
    fixture.put(3, { n1: 96, n2: 50 });
    await fixture.goTo(9);
    await fixture.evaluate(9);
    await fixture.notify();
    expect(fixture.sentLines().at(-1)).toBe('ops 2 all-resolved resolved n1:resolved');
    expect(fixture.sent.at(-1)?.notification.alerts[0]?.reason).toBe('unselected');
  });

  it('that is edited ends what it is no longer for, as any edit does', async () => {
    const fixture = createStageFixture({ rules: [{ ...memory, inventory: only({ customer: 'acme' }) }] });
    fixture.label('n1', acme);
    await fire(fixture);
    fixture.config.rules = [{ ...memory, inventory: only({ customer: 'other' }) }];
    fixture.put(3, { n1: 96, n2: 50 });
    await fixture.goTo(3);
    await fixture.evaluate(3);
    const range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 9 };
    const last = (await fixture.state.listTransitions(range)).at(-1);
    expect([last?.kind, last?.reason]).toEqual(['resolved', 'rule-changed']);
  });
});

it('is kept while the alert fires, also when its state is written again', async () => {
  const fixture = createStageFixture({ rules: [{ ...memory, keepFiringForMs: 5 * MINUTE }] });
  fixture.label('n1', acme);
  await fire(fixture);
  fixture.label('n1', { customer: 'other' });
  await clear(fixture, 3);
  const [stored] = await fixture.state.listAlerts();
  expect(stored?.value).toMatchObject({
    status: 'firing',
    clearedAtMs: START + 3 * MINUTE,
    inventoryLabels: acme,
  });
});
