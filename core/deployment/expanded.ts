// The configuration as functions read it: checked, every default filled in, and cut into what each of them needs.

import { hashNumber } from '../hash.ts';
import type { Check } from '../model/check.ts';
import type { ClusterConfig, Config } from '../model/config.ts';
import type { Shard } from '../plan/shards.ts';

/** Raised with every change of what the parts hold: a part of another number is none that this release reads. */
export const EXPANDED_FORMAT = 1;

/** All but the fleet. References to secrets stay references, as everywhere in a `Config`. */
export type Settings = Omit<Config, 'clusters'>;

/** What the function needs that answers everybody: no name of anything. */
export interface PublicSettings {
  /** No more than how often. */
  checks: readonly Pick<Check, 'everyMs'>[];
  publicUrl?: string;
  chartRetentionMs: number;
}

export type SectionName = 'public' | 'settings' | 'logins' | `nodes-${number}`;

/** Which clusters a function reads: the logins without nodes, or all that is evaluated in a shard. */
export type FleetSelection = 'all' | 'logins' | Shard;

/** The parts by name. Nodes come in so many slices, each of whole clusters. */
export function expandConfig(config: Config, slices: number): Map<SectionName, unknown> {
  const { clusters, ...settings } = config;
  const { publicUrl, chartRetentionMs } = config.server;
  const open: PublicSettings = {
    checks: config.checks.map(({ everyMs }) => ({ everyMs })),
    chartRetentionMs,
    ...(publicUrl !== undefined && { publicUrl }),
  };
  const logins = clusters.map((cluster): ClusterConfig => ({ ...cluster, nodes: [] }));
  const sliced = Map.groupBy(clusters, ({ name }) => hashNumber(name) % slices);
  return new Map<SectionName, unknown>([
    ['public', open],
    ['settings', settings],
    ['logins', logins],
    ...sliceNames(slices).map((name, index): [SectionName, unknown] => [name, sliced.get(index) ?? []]),
  ]);
}

/** Which parts hold the clusters that are asked for. A shard of another number of shards may be in any slice. */
export function clusterSections(of: FleetSelection, slices: number): SectionName[] {
  if (of === 'logins') return ['logins'];
  if (of !== 'all' && of.kind === 'clusters' && of.count === slices) return [`nodes-${of.index}`];
  return sliceNames(slices);
}

function sliceNames(slices: number): SectionName[] {
  return Array.from({ length: slices }, (_, index): SectionName => `nodes-${index}`);
}

const INFINITE = { $number: 'Infinity' };

/** JSON knows no infinity, which `repeatInterval: never` is. */
export function sectionText(part: unknown): string {
  return JSON.stringify(part, (_, value: unknown) => (value === Number.POSITIVE_INFINITY ? INFINITE : value));
}

/** @throws SyntaxError */
export function readSectionText(text: string): unknown {
  // Most parts hold none, and are read many times faster without looking at each value.
  if (!text.includes('$number')) return JSON.parse(text) as unknown;
  return JSON.parse(text, (_, value: unknown) =>
    (value as { $number?: unknown } | null)?.$number === INFINITE.$number ? Number.POSITIVE_INFINITY : value,
  ) as unknown;
}
