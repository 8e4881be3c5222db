import { describe, expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { configOf, configText } from '../../test/config-cases.ts';
import type { ClusterConfig } from '../model/config.ts';
import type { Shard } from '../plan/shards.ts';
import { ownsAlert, shardsOf } from '../plan/shards.ts';
import {
  clusterSections,
  EXPANDED_FORMAT,
  expandConfig,
  type FleetSelection,
  readSectionText,
  type SectionName,
  sectionText,
} from './expanded.ts';

const names = Array.from({ length: 40 }, (_, i) => `c${i}`);
const config = configOf(
  configText({
    clusters: `clusters:${names
      .map(
        (name) =>
          `\n  - { name: ${name}, bastion: seoul, privateKey: "\${file:/key}", nodes: [{ name: n, role: etcd, host: ${name} }] }`,
      )
      .join('')}\n`,
    more: `commands: [{ name: lag, script: echo the catalogue }]
inventory: [{ type: list, at: there }]
rules:
  - { name: a, metric: mem_usage, above: 90, recoveryThreshold: 80, for: 1m, window: { last: 5m, reduce: avg }, whereNot: { cluster: [z] } }
  - { name: b, metric: mem_usage, aggregate: { by: [role], op: avg }, outside: [1, 2], for: 1m, inhibitedBy: [a], summary: s, runbook: "https://h/" }
routes: [{ name: all, channels: [ops], repeatInterval: never }]
silences: [{ match: { cluster: c1 }, from: "2027-01-02T00:00:00Z", until: "2027-01-03T00:00:00Z", comment: "x" }]
server: { publicUrl: "https://bartizan.example.net", heartbeat: "https://beat.example.net/\${file:/beat}" }
`,
  }),
);

function sectionsOf(slices: number): Map<SectionName, unknown> {
  const parts = [...expandConfig(config, slices)];
  return new Map(parts.map(([name, part]) => [name, readSectionText(sectionText(part))]));
}

const clustersIn = (parts: Map<SectionName, unknown>, of: FleetSelection, slices: number) =>
  clusterSections(of, slices).flatMap((name) => parts.get(name) as ClusterConfig[]);

describe('the expanded configuration', () => {
  it.each([1, 3, 16])('is read as it was, in %i slices', (slices) => {
    const parts = sectionsOf(slices);
    const clusters = clustersIn(parts, 'all', slices);
    const byName = (list: readonly ClusterConfig[]) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const { commands: _catalogue, audit: _files, ...rest } = config;
    expect({ ...(parts.get('settings') as object), clusters: byName(clusters) }).toStrictEqual({
      ...rest,
      clusters: byName(config.clusters),
    });
    expect(config.routes[0]?.repeatIntervalMs).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([1, 3, 16])('a shard finds its clusters in one part, of %i', (slices) => {
    const parts = sectionsOf(slices);
    for (const shard of shardsOf(slices)) {
      const own = config.clusters.filter(
        ({ name }) => shard.kind !== 'clusters' || ownsAlert(shard, { cluster: name }),
      );
      const found = clustersIn(parts, shard, slices);
      expect(new Set(found)).toEqual(new Set(own));
      if (shard.kind === 'clusters') expect(clusterSections(shard, slices)).toHaveLength(1);
    }
  });

  it('has the script of a check that runs one, and not the catalogue', () => {
    const commands = '[{ name: lag, script: echo of-the-check }, { name: other, script: echo of-nobody }]';
    const checks = '[{ name: own, probe: command, command: lag }]';
    const more = `commands: ${commands}\nchecks: ${checks}\n`;
    const parts = expandConfig(configOf(configText({ more }), { kinds: KINDS }), 1);
    expect(parts.get('settings')).toMatchObject({
      checks: [{ name: 'own', command: { script: 'echo of-the-check' } }],
    });
    expect(JSON.stringify([...parts])).not.toContain('of-nobody');
    expect(JSON.stringify(parts.get('public'))).not.toContain('echo');
  });

  it('a shard of before the number of shards was changed finds its clusters too', () => {
    const late: Shard = { kind: 'clusters', index: 1, count: 4 };
    const found = clustersIn(sectionsOf(3), late, 3).map(({ name }) => name);
    expect(found).toEqual(expect.arrayContaining(names.filter((name) => ownsAlert(late, { cluster: name }))));
  });

  it('tells the way in to clusters without their nodes, and everybody nothing but times and an address', () => {
    const parts = sectionsOf(3);
    expect(clustersIn(parts, 'logins', 3)).toEqual(
      config.clusters.map((cluster) => ({ ...cluster, nodes: [] })),
    );
    expect(parts.get('public')).toEqual({
      checks: [{ everyMs: 60_000 }],
      chartRetentionMs: config.server.chartRetentionMs,
      publicUrl: 'https://bartizan.example.net',
    });
  });

  it('holds references to secrets as they were written', () => {
    const text = [...sectionsOf(3).values()].map((part) => JSON.stringify(part)).join();
    expect(text).toContain('${file:/key}');
    expect(text).toContain('https://beat.example.net/${file:/beat}');
  });

  it('has a number that is raised when its shape changes', () => {
    expect({
      format: EXPANDED_FORMAT,
      shape: shapeOf(Object.fromEntries(sectionsOf(1))),
    }).toMatchInlineSnapshot(`
      {
        "format": 1,
        "shape": [
          ".logins[].bastion: string",
          ".logins[].name: string",
          ".logins[].privateKey: string",
          ".nodes-0[].bastion: string",
          ".nodes-0[].name: string",
          ".nodes-0[].nodes[].host: string",
          ".nodes-0[].nodes[].name: string",
          ".nodes-0[].nodes[].port: number",
          ".nodes-0[].nodes[].role: string",
          ".nodes-0[].nodes[].user: string",
          ".nodes-0[].privateKey: string",
          ".public.chartRetentionMs: number",
          ".public.checks[].everyMs: number",
          ".public.publicUrl: string",
          ".settings.bastions[].batchSize: number",
          ".settings.bastions[].concurrency: number",
          ".settings.bastions[].deadlines.bastionMs: number",
          ".settings.bastions[].deadlines.dialMs: number",
          ".settings.bastions[].deadlines.execMs: number",
          ".settings.bastions[].deadlines.handshakeMs: number",
          ".settings.bastions[].host: string",
          ".settings.bastions[].maxConnections: number",
          ".settings.bastions[].maxOutputBytes: number",
          ".settings.bastions[].name: string",
          ".settings.bastions[].port: number",
          ".settings.bastions[].privateKey: string",
          ".settings.bastions[].user: string",
          ".settings.channels[].name: string",
          ".settings.channels[].options.url: string",
          ".settings.channels[].theme: string",
          ".settings.channels[].type: string",
          ".settings.checks[].everyMs: number",
          ".settings.checks[].maxNewLabelSets: number",
          ".settings.checks[].name: string",
          ".settings.checks[].probe: string",
          ".settings.inventory[].options.at: string",
          ".settings.inventory[].type: string",
          ".settings.routes[].channels[]: string",
          ".settings.routes[].continue: boolean",
          ".settings.routes[].groupBy[]: string",
          ".settings.routes[].groupIntervalMs: number",
          ".settings.routes[].groupWaitMs: number",
          ".settings.routes[].name: string",
          ".settings.routes[].repeatIntervalMs: number",
          ".settings.routes[].resolvedEarly: boolean",
          ".settings.rules[].aggregate.by[]: string",
          ".settings.rules[].aggregate.op: string",
          ".settings.rules[].condition.high: number",
          ".settings.rules[].condition.kind: string",
          ".settings.rules[].condition.low: number",
          ".settings.rules[].condition.threshold: number",
          ".settings.rules[].forMs: number",
          ".settings.rules[].inhibitedBy[]: string",
          ".settings.rules[].keepFiringForMs: number",
          ".settings.rules[].metric: string",
          ".settings.rules[].name: string",
          ".settings.rules[].noData: string",
          ".settings.rules[].recoveryThreshold: number",
          ".settings.rules[].runbook: string",
          ".settings.rules[].severity: string",
          ".settings.rules[].summary: string",
          ".settings.rules[].title: string",
          ".settings.rules[].whereNot.cluster[]: string",
          ".settings.rules[].window.lastMs: number",
          ".settings.rules[].window.reduce: string",
          ".settings.schedule.jitterMs: number",
          ".settings.schedule.latenessMs: number",
          ".settings.schedule.timeZone: string",
          ".settings.server.chartRetentionMs: number",
          ".settings.server.heartbeat: string",
          ".settings.server.history.enabled: boolean",
          ".settings.server.history.loopback: string",
          ".settings.server.history.maxQueries: number",
          ".settings.server.history.timeoutMs: number",
          ".settings.server.host: string",
          ".settings.server.port: number",
          ".settings.server.publicUrl: string",
          ".settings.server.undeliveredAfterMs: number",
          ".settings.sessions.door: boolean",
          ".settings.sessions.renewMs: number",
          ".settings.silences[].comment: string",
          ".settings.silences[].fromMs: number",
          ".settings.silences[].match.cluster[]: string",
          ".settings.silences[].untilMs: number",
          ".settings.store.path: string",
          ".settings.store.retentionMs: number",
          ".settings.store.rollUpRetentionMs: number",
          ".settings.store.type: string",
        ],
      }
    `);
  });
});

/** Paths of all fields, `[]` for any element of a list. */
function shapeOf(value: unknown): string[] {
  const paths = new Set<string>();
  const visit = (inner: unknown, path: string) => {
    if (Array.isArray(inner)) for (const one of inner) visit(one, `${path}[]`);
    else if (typeof inner === 'object' && inner !== null)
      for (const [name, one] of Object.entries(inner)) visit(one, `${path}.${name}`);
    else paths.add(`${path}: ${typeof inner}`);
  };
  visit(value, '');
  return [...paths].sort();
}
