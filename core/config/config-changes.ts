// What a new configuration changes in the one that is in force.

import { isGroupGone } from '../evaluate/aggregate.ts';
import { canHaveLabels } from '../evaluate/alert-labels.ts';
import { expectedTargets } from '../evaluate/evaluate.ts';
import { nodeKey } from '../evaluate/identity.ts';
import { createMeasured } from '../measured.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Target } from '../model/target.ts';

/** Names. A changed one has the same name and other settings. */
export interface Changes {
  added: readonly string[];
  removed: readonly string[];
  changed: readonly string[];
}

/** The configuration and its nodes, also those of inventories. */
export interface ConfigAndNodes {
  config: Config;
  targets: readonly Target[];
}

export interface ConfigChanges {
  nodes: Changes;
  /** Sections with named elements, where something changes. */
  sections: Readonly<Record<string, Changes>>;
  /** Other sections whose settings change. */
  settings: readonly string[];
}

const NAMED = ['bastions', 'commands', 'checks', 'rules', 'channels', 'routes', 'silences'] as const;
const OTHER = [
  'inventory',
  'store',
  'schedule',
  'sessions',
  'signatures',
  'removal',
  'audit',
  'log',
  'server',
] as const;

/** The data are opened and the address is taken at the start. */
const FIXED: readonly (readonly [name: string, of: (config: Config) => unknown])[] = [
  ['store.path', ({ store }) => store.path],
  ['store.type', ({ store }) => store.type],
  ['the options of `store`', ({ store }) => store.options],
  ['state', ({ state }) => state],
  ['server.listen', ({ server }) => [server.host, server.port]],
  ['whether there is `server.tls`', ({ server }) => server.tls !== undefined],
  ['server.metrics.listen', ({ server }) => server.metrics?.listen],
];

/** Settings that a running process cannot change. */
export function fixedChanges(before: Config, after: Config): string[] {
  return FIXED.filter(([, of]) => !isSame(of(before), of(after))).map(([name]) => name);
}

export function configChanges(before: ConfigAndNodes, after: ConfigAndNodes): ConfigChanges {
  const sections: Record<string, Changes> = {};
  for (const name of NAMED) {
    const changes = changesOf(before.config[name], after.config[name], nameOf);
    if (isAny(changes)) sections[name] = changes;
  }
  const clusters = changesOf(settingsOfClusters(before.config), settingsOfClusters(after.config), nameOf);
  if (isAny(clusters)) sections.clusters = clusters;
  const settings = OTHER.filter((name) => !isSame(before.config[name], after.config[name]));
  return { nodes: changesOf(before.targets, after.targets, nodeName), sections, settings };
}

/** Whether nothing changes. */
export function isUnchanged({ nodes, sections, settings }: ConfigChanges): boolean {
  return !isAny(nodes) && Object.keys(sections).length === 0 && settings.length === 0;
}

export function nodeName({ cluster, node }: Pick<Target, 'cluster' | 'node'>): string {
  return `${cluster}/${node}`;
}

/** The open alerts that the next round would end, whatever its samples. */
export function endingAlerts(alerts: readonly Alert[], { config, targets }: ConfigAndNodes): Alert[] {
  const goes = new Map<string, (alert: Alert) => boolean>();
  for (const rule of config.rules) {
    const expected = expectedTargets(rule, targets);
    const nodes = new Set(expected.map(({ labels }) => nodeKey(labels)));
    const isMeasured = createMeasured(rule, config.checks, expected);
    goes.set(rule.name, ({ labels }) => {
      const node = nodeKey(labels);
      const isGone = node === undefined ? isGroupGone({ rule, targets: expected }, labels) : !nodes.has(node);
      return isGone || !canHaveLabels(rule, labels) || !isMeasured(labels);
    });
  }
  return alerts.filter((alert) => alert.status !== 'ok' && (goes.get(alert.rule)?.(alert) ?? true));
}

/** Their nodes are compared by themselves. */
function settingsOfClusters({ clusters }: Config): object[] {
  return clusters.map((cluster) => ({ ...cluster, nodes: [] }));
}

function changesOf<T>(before: readonly T[], after: readonly T[], name: (one: T) => string): Changes {
  const old = new Map(before.map((one) => [name(one), one]));
  const now = new Set(after.map(name));
  const added: string[] = [];
  const changed: string[] = [];
  for (const one of after) {
    const last = old.get(name(one));
    if (last === undefined) added.push(name(one));
    else if (!isSame(last, one)) changed.push(name(one));
  }
  return { added, removed: [...old.keys()].filter((one) => !now.has(one)), changed };
}

/** Silences may lack a name: then what they say is their name. */
function nameOf(one: object): string {
  return 'name' in one && typeof one.name === 'string' ? one.name : JSON.stringify(one);
}

function isAny({ added, removed, changed }: Changes): boolean {
  return added.length + removed.length + changed.length > 0;
}

/** Both were parsed by one schema, so that their keys have one order. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
