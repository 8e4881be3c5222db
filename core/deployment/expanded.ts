// The configuration that functions read: validated, with every default, and split into sections for each function.

import { hashNumber } from '../hash.ts';
import type { Check } from '../model/check.ts';
import type { ClusterConfig, Config } from '../model/config.ts';
import type { Shard } from '../plan/shards.ts';

/**
 * Raise it with every change of the sections that a reader could not bear: a release reads only sections of its own number, and
 * until `plan` has written them, rounds wait. A field may be added, where functions bear that it is absent.
 */
export const EXPANDED_FORMAT = 1;

/**
 * The configuration without the fleet; without the catalogue, as a check has the entry that it runs; and without the
 * retention of the audit's local files. References to secrets stay references, as everywhere in a `Config`.
 */
export type Settings = Omit<Config, 'clusters' | 'commands' | 'audit'>;

/** The configuration with clusters that a function selects. */
export type SettingsWithFleet = Settings & Pick<Config, 'clusters'>;

/** What the public function needs. It contains no names. */
export interface PublicSettings {
  /** Only their intervals. */
  checks: readonly Pick<Check, 'everyMs'>[];
  publicUrl?: string;
  chartRetentionMs: number;
}

export type SectionName = 'public' | 'settings' | 'logins' | `nodes-${number}`;

/** The clusters that a function reads: all, all without nodes (for logins), or those of a shard. */
export type FleetSelection = 'all' | 'logins' | Shard;

/** The sections by name. Each of the slices has the nodes of whole clusters. */
export function expandConfig(config: Config, slices: number): Map<SectionName, unknown> {
  const { clusters, commands: _catalogue, audit: _files, ...settings } = config;
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

/** The sections with the selected clusters. When the number of shards differs from that of slices, they may be in any slice. */
export function clusterSections(of: FleetSelection, slices: number): SectionName[] {
  if (of === 'logins') return ['logins'];
  if (of !== 'all' && of.kind === 'clusters' && of.count === slices) return [`nodes-${of.index}`];
  return sliceNames(slices);
}

function sliceNames(slices: number): SectionName[] {
  return Array.from({ length: slices }, (_, index): SectionName => `nodes-${index}`);
}

const INFINITE = { $number: 'Infinity' };

/** `repeatInterval: never` is infinity, which JSON lacks. */
export function sectionText(part: unknown): string {
  return JSON.stringify(part, (_, value: unknown) => (value === Number.POSITIVE_INFINITY ? INFINITE : value));
}

/** @throws SyntaxError */
export function readSectionText(text: string): unknown {
  // Most sections contain no infinity, and parsing is many times faster without a function for each value.
  if (!text.includes('$number')) return JSON.parse(text) as unknown;
  return JSON.parse(text, (_, value: unknown) =>
    (value as { $number?: unknown } | null)?.$number === INFINITE.$number ? Number.POSITIVE_INFINITY : value,
  ) as unknown;
}
