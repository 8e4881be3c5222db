import { beforeEach, describe, expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Incident } from '../../core/model/incident.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Matcher, StoredSilence } from '../../core/model/silence.ts';
import type { Target } from '../../core/model/target.ts';
import type { Transition } from '../../core/model/transition.ts';
import type { SeriesQuery, StateStore } from '../../core/ports.ts';
import {
  alertOf,
  deliveryOf,
  holding,
  idsOf,
  incidentOf,
  putIncidents,
  T0,
  transitionOf,
} from '../../test/contract/state-fixtures.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import type { HistoryPorts } from '../ports.ts';
import type { Scope } from '../principal.ts';
import { ForbiddenError } from './forbidden.ts';
import { createLimitedPorts } from './limited-ports.ts';

const target = (cluster: string, node: string, labels?: Target['labels']): Target => ({
  ...{ host: '10.0.0.1', port: 22, user: 'probe', hostKeys: [] },
  ...{ cluster, node, role: 'etcd', bastion: `gate-${cluster}` },
  ...(labels && { labels }),
});

const TARGETS = [
  target('a', 'a1', { customer: 'acme' }),
  target('a', 'a2', { customer: 'acme' }),
  target('b', 'b1', { customer: 'beta' }),
  target('mixed', 'm1', { customer: 'acme' }),
  target('mixed', 'm2', { customer: 'beta' }),
];
const OF_A: Matcher[] = [{ name: 'cluster', op: '=', value: 'a' }];
const OF_ACME: Matcher[] = [{ name: 'customer', op: '=', value: 'acme' }];
const NOT_A: Matcher[] = [{ name: 'cluster', op: '!=', value: 'a' }];

const CONFIG = `
bastions:
  - { name: gate-a, host: 10.0.0.1, user: u, privateKey: '\${file:key}', hostKeys: [] }
  - { name: gate-b, host: 10.0.0.2, user: u, privateKey: '\${file:key}', hostKeys: [] }
clusters:
  - { name: a, bastion: gate-a, labels: { customer: acme }, nodes: [{ name: a1, role: etcd, host: 10.1.0.1 }] }
  - { name: b, bastion: gate-b, labels: { customer: beta }, nodes: [{ name: b1, role: etcd, host: 10.1.0.2 }] }
channels:
  - { name: chat, type: slack, token: '\${env:CHAT_SECRET}', channel: C0123456789 }
silences:
  - { match: { cluster: [a, b] }, from: 2026-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z, comment: move of a and b }
  - { match: { cluster: b }, from: 2026-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z, comment: b is down }
`;

const parsed = parseConfig(CONFIG, { file: 'f', kinds: KINDS, baseDir: '/etc', nowMs: T0 });
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const { config: written } = parsed;

let state: StateStore;
let queries: SeriesQuery[];
let portsOf: (selector?: readonly Matcher[], scope?: Scope) => HistoryPorts;

beforeEach(() => {
  state = createMemoryState();
  queries = [];
  const series = [
    ...TARGETS.map(({ cluster, node }) => ({ cluster, node, role: 'etcd' })),
    ...['a', 'b', 'mixed'].map((cluster) => ({ cluster })),
    { cluster: 'a', node: 'gone' },
    { bastion: 'gate-a' },
    { cluster: 'b', node: 'b1', customer: 'acme' },
  ].map((labels) => ({ metric: 'up', labels: labels as Labels, points: [{ timeMs: T0, value: 1 }] }));
  const read = async (query: SeriesQuery) => {
    queries.push(query);
    return series;
  };
  const limited = createLimitedPorts({
    config: async () => written,
    targets: async () => TARGETS,
    store: { query: read, latest: async () => series, rollUps: async () => [] },
    state,
    clock: { nowMs: () => T0 },
    logger: createRecordingLogger(),
    meter: { count() {}, gauge() {}, observe() {} },
    findAuditLines: async () => ({ records: [], unreadable: 0, isCut: false }),
    recordAction: async () => {},
    health: async () => ({ reasons: [], warnings: [] }),
  });
  portsOf = (selector, scope = 'read') => limited({ name: 'token t', scope, ...(selector && { selector }) });
});

const alertIn = (cluster: string, node: string) =>
  alertOf(`${cluster}/${node}`, { labels: { cluster, node } });
const put = (alert: Alert, transitions: readonly Transition[] = []) =>
  state.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });

describe('series', () => {
  const seen = async (selector: Matcher[]) => {
    const found = await portsOf(selector).store.query({ metric: 'up', fromMs: 0, toMs: T0 });
    return found.map(({ labels }) => [labels.cluster, labels.node].filter(Boolean).join('/')).sort();
  };

  it('are those whose labels, or those of the inventory, match; what lacks the label is hidden', async () => {
    expect(await seen(OF_A)).toEqual(['a', 'a/a1', 'a/a2', 'a/gone']);
    expect(await seen(NOT_A)).toEqual(['b', 'b/b1', 'b/b1', 'mixed', 'mixed/m1', 'mixed/m2']);
    expect(await seen([{ name: 'role', op: '=~', value: 'etc.' }])).toEqual(
      ['a', 'b', 'mixed', 'a/a1', 'a/a2', 'b/b1', 'b/b1', 'mixed/m1', 'mixed/m2'].sort(),
    );
  });

  it('cannot say of themselves what the inventory says, and a cluster is seen if all its nodes are', async () => {
    expect(await seen(OF_ACME)).toEqual(['a', 'a/a1', 'a/a2', 'mixed/m1']);
  });

  it('are asked of the store by cluster, together with what the query asks for', async () => {
    const { store } = portsOf(OF_ACME);
    await store.query({ metric: 'up', fromMs: 0, toMs: T0, where: { cluster: ['m*'], node: ['m?'] } });
    expect(queries.map(({ where }) => where)).toEqual([{ cluster: ['mixed'], node: ['m?'] }]);
    expect(await store.query({ metric: 'up', fromMs: 0, toMs: T0, where: { cluster: ['b'] } })).toEqual([]);
    expect(queries).toHaveLength(1);
  });

  it('are none for a selector that does not compile', async () => {
    expect(await seen([{ name: 'cluster', op: '!~', value: '(' }])).toEqual([]);
    expect(await seen([{ name: 'constructor', op: '!=', value: '' }])).toEqual([]);
  });
});

describe('alerts and transitions', () => {
  it('are filtered before they are limited', async () => {
    const mine = alertIn('a', 'a1');
    const other = alertIn('b', 'b1');
    for (const alert of [mine, other])
      await put(
        alert,
        Array.from({ length: 500 }, (_, i) =>
          transitionOf(alert, 'pending', T0 + (alert === mine ? 400 : 0) + Math.floor(i / 3)),
        ),
      );
    const { state: limited } = portsOf(OF_A);
    expect((await limited.listAlerts()).map(({ value }) => value.id)).toEqual([mine.id]);
    const query = { fromMs: T0, toMs: T0 + 1e6 };
    const all = (await state.listTransitions({ ...query, limit: 1e6 })).filter(
      (one) => one.alertId === mine.id,
    );
    for (const limit of [1, 3, 299, 1_000])
      expect(await limited.listTransitions({ ...query, limit })).toEqual(all.slice(0, limit));
  });

  it('of a node that is gone count as the inventory said when they fired', async () => {
    const gone = { ...alertIn('a', 'old'), inventoryLabels: { customer: 'acme' } };
    const moved = { ...alertIn('b', 'b1'), inventoryLabels: { customer: 'acme' } };
    for (const alert of [gone, moved]) await put(alert);
    expect((await portsOf(OF_ACME).state.listAlerts()).map(({ value }) => value.id)).toEqual([gone.id]);
  });
});

describe('incidents', () => {
  const both = [alertIn('a', 'a1'), alertIn('b', 'b1')];
  const across = (change: Partial<Incident> = {}) =>
    incidentOf('across', {
      groupLabels: { rule: 'mem' },
      alerts: holding(...both).map((alert, i) => ({ ...alert, enteredAtMs: T0 + 10 - i })),
      notified: Object.fromEntries(both.map(({ id }) => [`${id}@${T0}`, 'firing'])),
      notifications: 7,
      lastNotifiedAtMs: T0 + 9,
      attempt: { number: 8, says: {}, tries: 3, firstTriedAtMs: T0, error: 'b1 is too long' },
      dueAtMs: T0 + 1,
      ...change,
    });

  it('of a group that is seen are whole, others have their alerts that are seen and nothing of the rest', async () => {
    const whole = incidentOf('whole', { groupLabels: { cluster: 'a' }, notifications: 3 });
    const hidden = incidentOf('hidden', {
      groupLabels: { rule: 'cpu' },
      alerts: holding(alertIn('b', 'b1')),
    });
    await putIncidents(state, across(), whole, hidden);
    const { state: limited } = portsOf(OF_A);
    const { id, route, channel, groupKey, groupLabels, alerts } = across();
    const part = {
      ...{ id, route, channel, groupKey, groupLabels },
      openedAtMs: T0 + 10,
      alerts: alerts.slice(0, 1),
      rules: {},
      notified: { [`${both[0]?.id}@${T0}`]: 'firing' },
      notifications: 0,
      isPartial: true,
    };
    expect(new Set(await limited.listIncidents({ limit: 10 }))).toEqual(new Set([part, whole]));
    expect(await limited.loadIncident('across')).toEqual({ value: part, version: 0 });
    expect(await limited.loadIncident('hidden')).toBeUndefined();
    expect(await limited.incidentsOfAlert(both[1]?.id ?? '')).toEqual([]);
    expect(idsOf(await limited.openIncidents()).sort()).toEqual(['across', 'whole']);
  });

  it('have their deliveries where they are seen whole, filtered before they are limited', async () => {
    await putIncidents(state, across(), incidentOf('whole', { groupLabels: { cluster: 'a' } }));
    for (let i = 0; i < 450; i++)
      for (const [incident, at] of [
        ['across', 1_000],
        ['whole', 0],
      ] as const)
        await state.commitIncidents({
          incidents: [],
          delivery: deliveryOf(`${incident}${i}`, incident, T0 + at + i),
        });
    const { state: limited } = portsOf(OF_A);
    const found = await limited.listDeliveries({ limit: 3 });
    expect(idsOf(found)).toEqual(['whole449', 'whole448', 'whole447']);
    expect(await limited.listDeliveries({ incidentId: 'across', limit: 3 })).toEqual([]);
  });
});

it('statuses of checks are of nodes that are seen, without the batch', async () => {
  const status = (cluster: string, node: string) => ({
    cluster,
    node,
    check: 'usage',
    roundMs: T0,
    ok: true,
  });
  const batch = { bastion: 'gate-a', index: 3 };
  await state.putTargetStatus(
    [{ ...status('a', 'a1'), batch }, status('b', 'b1'), status('', 'gate-a')],
    batch,
  );
  expect(await portsOf(OF_A).state.listTargetStatus()).toEqual([status('a', 'a1')]);
});

describe('silences', () => {
  const silence = (id: string, ...matchers: Matcher[]): StoredSilence => ({
    id,
    matchers,
    fromMs: T0,
    untilMs: T0 + 10,
    createdAtMs: T0,
    author: 'ann',
    comment: 'x',
  });
  const ofNode: Matcher = { name: 'node', op: '=', value: 'a1' };
  it('are seen, added and ended where they reach nothing beyond', async () => {
    const { state: limited } = portsOf(OF_A, 'silence');
    await state.putSilence(silence('wide', ofNode));
    await limited.putSilence(silence('mine', ofNode, ...OF_A));
    expect(idsOf(await limited.listSilences({ endedAfterMs: T0 }))).toEqual(['mine']);
    for (const wide of [silence('new', ofNode), silence('wide', ofNode, ...OF_A), silence('none')])
      await expect(limited.putSilence(wide)).rejects.toThrow(ForbiddenError);
    expect(await limited.expireSilence('wide', T0 + 1)).toBe(false);
    expect(await limited.expireSilence('mine', T0 + 1)).toBe(true);
    expect(idsOf(await state.listSilences({ endedAfterMs: T0 + 1 }))).toEqual(['wide']);
  });

  it('of an alert are those of one that is seen', async () => {
    const alerts = [alertIn('a', 'a1'), alertIn('b', 'b1')];
    for (const alert of alerts) await put(alert);
    const { state: limited } = portsOf(OF_A, 'silence');
    await limited.putSilence({ ...silence('mine'), alertId: alerts[0]?.id ?? '' });
    await expect(limited.putSilence({ ...silence('other'), alertId: alerts[1]?.id ?? '' })).rejects.toThrow(
      ForbiddenError,
    );
  });

  it('need the scope', async () => {
    for (const selector of [undefined, OF_A]) {
      const { state: limited } = portsOf(selector, 'read');
      await expect(limited.putSilence(silence('s', ...OF_A))).rejects.toThrow(/token of scope silence/);
      await expect(limited.expireSilence('s', T0)).rejects.toThrow(ForbiddenError);
    }
  });
});

describe('the configuration', () => {
  it('has no secret and no option, whoever asks', async () => {
    const text = JSON.stringify(await portsOf(undefined, 'admin').config());
    expect(text).not.toMatch(/SECRET|file:key|C0123/);
    expect(text).toContain('"chat"');
  });

  it('has the clusters, bastions and silences of what is seen', async () => {
    const { config, targets } = portsOf(OF_A);
    const { bastions, clusters, silences } = await config();
    expect([...bastions, ...clusters].map(({ name }) => name)).toEqual(['gate-a', 'a']);
    expect(silences).toMatchObject([{ match: { cluster: ['a'] }, comment: '' }]);
    expect((await targets()).map(({ node }) => node)).toEqual(['a1', 'a2']);
  });
});

it('audit is for admins, audit and health are for those who see all', () => {
  expect(Object.keys(portsOf(undefined, 'admin'))).toEqual(
    expect.arrayContaining(['findAuditLines', 'health']),
  );
  expect(portsOf(undefined, 'silence').findAuditLines).toBeUndefined();
  expect(portsOf(OF_A, 'admin')).not.toMatchObject({ health: expect.anything() });
  expect(portsOf(OF_A, 'admin').findAuditLines).toBeUndefined();
});
