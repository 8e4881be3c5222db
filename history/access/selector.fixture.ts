// Two histories of one fleet that agree on all that a selector shows, and on nothing else.

import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { hashNumber } from '../../core/hash.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Config } from '../../core/model/config.ts';
import type { LabelGlobs, Labels } from '../../core/model/labels.ts';
import type { Series } from '../../core/model/sample.ts';
import type { Matcher } from '../../core/model/silence.ts';
import type { Role, Target } from '../../core/model/target.ts';
import type { TransitionKind } from '../../core/model/transition.ts';
import { episodeOf } from '../../core/notify/episode.ts';
import { isSelected } from '../../core/selection.ts';
import {
  deliveryOf,
  holding,
  incidentOf,
  putIncidents,
  transitionOf,
} from '../../test/contract/state-fixtures.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import type { HistoryPorts } from '../ports.ts';

export const MINUTE = 60_000;
export const NOW = Date.UTC(2026, 10, 24, 12);
const METRICS = ['up', 'mem_usage', 'cpu_usage', 'probe_success'];

/** What a selector must show, by hand: nodes as `cluster/node`, and clusters whose own series it shows. */
export interface Case {
  selector: readonly Matcher[];
  nodes: readonly string[];
  clusters: readonly string[];
}

const FLEET: readonly [cluster: string, node: string, role: Role, customer?: string][] = [
  ['a', 'a1', 'etcd', 'acme'],
  ['a', 'a2', 'etcd', 'acme'],
  ['b', 'b1', 'etcd', 'beta'],
  ['b', 'b2', 'apiserver', 'beta'],
  ['c', 'c1', 'etcd', 'acme'],
  ['c', 'c2', 'apiserver', 'beta'],
  ['d', 'd1', 'apiserver'],
];

const is = (name: string, op: Matcher['op'], value: string): Matcher => ({ name, op, value });

export const CASES: readonly Case[] = [
  { selector: [is('cluster', '=', 'a')], nodes: ['a/a1', 'a/a2'], clusters: ['a'] },
  { selector: [is('cluster', '=~', 'c|d')], nodes: ['c/c1', 'c/c2', 'd/d1'], clusters: ['c', 'd'] },
  { selector: [is('node', '=', 'b1')], nodes: ['b/b1'], clusters: [] },
  { selector: [is('customer', '=', 'acme')], nodes: ['a/a1', 'a/a2', 'c/c1'], clusters: ['a'] },
  {
    selector: [is('customer', '!=', 'beta'), is('role', '=', 'etcd')],
    nodes: ['a/a1', 'a/a2', 'c/c1'],
    clusters: ['a'],
  },
  { selector: [is('role', '!~', 'etcd')], nodes: ['b/b2', 'c/c2', 'd/d1'], clusters: ['d'] },
  { selector: [is('cluster', '=', 'nowhere')], nodes: [], clusters: [] },
];

const CONFIG = `
bastions: [{ name: gate, host: 10.0.0.1, user: u, privateKey: '\${file:key}', hostKeys: [] }]
clusters: [{ name: a, bastion: gate, nodes: [{ name: a1, role: etcd, host: 10.1.0.1 }] }]
checks: [{ name: usage, probe: usage, every: 1m }]
rules: [{ name: mem, metric: mem_usage, above: 50, for: 5m }, { name: cpu, metric: cpu_usage, above: 50, for: 5m }]
channels: [{ name: chat, type: webhook, url: '\${env:CHAT_URL}' }]
`;
const parsed = parseConfig(CONFIG, { file: 'f', kinds: KINDS, baseDir: '/etc', nowMs: NOW });
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const { config: base } = parsed;

/** The same for the same texts. */
function chance(...texts: readonly (string | number)[]): number {
  return (hashNumber(texts.join('\u0000')) % 1_000) / 1_000;
}

/** `inside` decides what the selector shows, `outside` the rest. */
export async function createPorts(wanted: Case, inside: number, outside: number): Promise<HistoryPorts> {
  const nodesSeen = new Set(wanted.nodes);
  const clustersSeen = new Set(wanted.clusters);
  const isSeen = ({ cluster, node }: Labels) =>
    node === undefined ? clustersSeen.has(cluster ?? '') : nodesSeen.has(`${cluster}/${node}`);
  const seedOf = (labels: Labels) => (isSeen(labels) ? `in${inside}` : `out${outside}`);

  const targets = [...FLEET, ...strangers(outside)].map(targetOf);
  const clusters = [...new Set(targets.map(({ cluster }) => cluster))];
  const labelSets: Labels[] = [
    ...targets.map(({ cluster, node, role }) => ({ cluster, node, role })),
    ...clusters.map((cluster) => ({ cluster })),
    { bastion: 'gate' },
  ];

  const series = (metric: string): Series[] =>
    labelSets.flatMap((labels) => {
      const seed = seedOf(labels);
      if (chance(seed, metric, JSON.stringify(labels)) < 0.15) return [];
      const points = Array.from({ length: 31 }, (_, i) => ({
        timeMs: NOW - (30 - i) * MINUTE,
        value: metric === 'up' ? 1 : Math.floor(chance(seed, metric, JSON.stringify(labels), i) * 100),
      }));
      return [{ metric, labels, points: points.filter(({ timeMs }) => chance(seed, 'gap', timeMs) > 0.05) }];
    });
  const bySeries = new Map(METRICS.map((metric) => [metric, series(metric)]));
  const find = ({ metric, ...selection }: { metric: string } & Parameters<typeof isSelected>[0]) =>
    (bySeries.get(metric) ?? []).filter(({ labels }) => isSelected(selection, labels));
  const within = (one: Series, fromMs: number, toMs: number) => ({
    ...one,
    points: one.points.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs),
  });

  const state = createMemoryState();
  const alerts = labelSets.flatMap((labels) => alertsOf(labels, seedOf(labels)));
  for (const alert of alerts) {
    const kinds: TransitionKind[] =
      chance(seedOf(alert.labels), alert.id, 'old') < 0.5 ? ['pending', 'firing'] : [];
    await state.commitAlert({
      alert,
      expectedVersion: 0,
      transitions: kinds.map((kind, i) => transitionOf(alert, kind, alert.sinceMs + i * 5 * MINUTE)),
      dueAtMs: NOW,
    });
  }
  await putStory(alerts);
  await state.putTargetStatus(
    targets.map(({ cluster, node }) => ({
      ...{ cluster, node, check: 'usage', roundMs: NOW },
      ok: chance(seedOf({ cluster, node }), 'ok', node) < 0.8,
      batch: { bastion: 'gate', index: outside % 7 },
    })),
    { bastion: 'gate', index: 0 },
  );

  async function putStory(all: readonly Alert[]): Promise<void> {
    const firing = all.filter(({ status }) => status === 'firing');
    const groups: [id: string, groupLabels: Labels, members: Alert[]][] = [
      ...['mem', 'cpu'].map((rule): (typeof groups)[number] => [
        `rule ${rule}`,
        { rule },
        firing.filter((one) => one.rule === rule),
      ]),
      ...clusters.map((cluster): (typeof groups)[number] => [
        `cluster ${cluster}`,
        { cluster },
        firing.filter(({ labels }) => labels.cluster === cluster),
      ]),
    ];
    for (const [id, groupLabels, members] of groups) {
      if (members.length === 0) continue;
      const ofCluster = clustersSeen.has(groupLabels.cluster ?? '');
      const seed =
        ofCluster && members.every(({ labels }) => isSeen(labels)) ? `in${inside}` : `out${outside}`;
      const number = Math.floor(chance(seed, id) * 20);
      const held = holding(...members);
      await putIncidents(
        state,
        incidentOf(id, {
          groupLabels,
          groupKey: id,
          alerts: held,
          openedAtMs: NOW - number * MINUTE,
          notifications: number,
          lastNotifiedAtMs: NOW - number,
          notified: Object.fromEntries(held.map((alert) => [episodeOf(alert), 'firing' as const])),
        }),
      );
      await state.commitIncidents({
        incidents: [],
        delivery: {
          ...deliveryOf(`of ${id}`, id, NOW - number * 1_000),
          detail: members.map((one) => one.id).join(),
        },
      });
    }
    for (const { cluster, node } of targets) {
      const seed = seedOf({ cluster, node });
      await state.putSilence({
        ...{
          id: `of ${cluster}/${node}`,
          fromMs: NOW - MINUTE,
          createdAtMs: NOW - MINUTE,
          author: seed,
          comment: seed,
        },
        untilMs: NOW + Math.floor(chance(seed, node) * 60) * MINUTE,
        // Within the selector only where its node is, and says so.
        matchers: [
          ...(isSeen({ cluster, node }) ? wanted.selector : []),
          { name: 'node', op: '=', value: node },
        ],
      });
    }
  }

  return {
    config: async () => configOf(targets),
    targets: async () => targets,
    store: {
      query: async ({ fromMs, toMs, ...query }) =>
        find(query)
          .map((one) => within(one, fromMs, toMs))
          .filter(({ points }) => points.length > 0),
      latest: async ({ sinceMs, ...query }) =>
        find(query).flatMap((one) => {
          const points = within(one, sinceMs, NOW).points.slice(-1);
          return points.length > 0 ? [{ ...one, points }] : [];
        }),
      rollUps: async () => [],
    },
    state,
    clock: { nowMs: () => NOW },
    logger: createRecordingLogger(),
    meter: { count() {}, gauge() {}, observe() {} },
    findAuditLines: async () => ({ records: [], unreadable: outside, isCut: false }),
    recordAction: async () => {},
    health: async () => ({ reasons: [], warnings: [] }),
    draw: async (spec) => ({ png: Buffer.from(JSON.stringify(spec)) }) as never,
  };
}

function targetOf([cluster, node, role, customer]: (typeof FLEET)[number]): Target {
  return {
    ...{ cluster, node, role, host: '10.0.0.1', port: 22, user: 'u', bastion: 'gate', hostKeys: [] },
    ...(customer !== undefined && { labels: { customer } }),
  };
}

/** A cluster that no selector of `CASES` shows, with more nodes or fewer. */
function strangers(outside: number): (typeof FLEET)[number][] {
  return Array.from({ length: outside % 5 }, (_, i) => ['x', `x${i}`, 'etcd', 'beta']);
}

function alertsOf(labels: Labels, seed: string): Alert[] {
  return ['mem', 'cpu'].flatMap((rule) => {
    const id = `${rule}:${JSON.stringify(labels)}`;
    const roll = chance(seed, id);
    if (roll < 0.4 || labels.bastion !== undefined) return [];
    const sinceMs = NOW - Math.floor(roll * 20) * MINUTE;
    return [
      {
        ...{ id, rule, labels, sinceMs, reason: 'threshold' as const },
        ...(roll < 0.6 ? { status: 'pending' as const } : { status: 'firing' as const, firedAtMs: sinceMs }),
        value: Math.floor(roll * 100),
      },
    ];
  });
}

function configOf(targets: readonly Target[]): Config {
  const clusters = Map.groupBy(targets, ({ cluster }) => cluster);
  return {
    ...base,
    silences: silencesOf(targets.length),
    clusters: [...clusters].map(([name, nodes]) => ({
      name,
      bastion: 'gate',
      nodes: nodes.map(({ node, ...rest }) => ({ ...rest, name: node })),
    })),
  };
}

/** None is within a selector of `CASES`; what they say differs between the histories. */
function silencesOf(nodes: number): Config['silences'] {
  const matches: LabelGlobs[] = [
    { customer: ['beta'] },
    { rule: ['mem'] },
    { role: ['etcd'] },
    { cluster: ['x'] },
    { mount: ['/'] },
  ];
  const comment = `as long as there are ${nodes} nodes`;
  return matches.map((match) => ({ match, fromMs: 0, untilMs: NOW * 2, comment }));
}
