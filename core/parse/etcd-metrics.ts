import type { ExposedSample } from './exposition.ts';
import { type Histogram, histogramOf } from './histogram.ts';
import { namesText, type Reading } from './reading.ts';
import { versionNumber } from './version.ts';

const GAUGES: Readonly<Record<string, string>> = {
  etcd_has_leader: 'etcd_server_has_leader',
  etcd_leader_changes: 'etcd_server_leader_changes_seen_total',
  etcd_proposals_failed: 'etcd_server_proposals_failed_total',
  etcd_db_size: 'etcd_mvcc_db_total_size_in_bytes',
  etcd_db_in_use: 'etcd_mvcc_db_total_size_in_use_in_bytes',
  etcd_quota: 'etcd_server_quota_backend_bytes',
};
const FSYNC = 'etcd_disk_wal_fsync_duration_seconds_bucket';
const COMMIT = 'etcd_disk_backend_commit_duration_seconds_bucket';
const VERSION = 'etcd_server_version';
const OWN_ID = 'etcd_server_id';
/** Since 3.5; with the member itself. */
const KNOWN_PEERS = 'etcd_network_known_peers';
const ACTIVE_PEERS = 'etcd_network_active_peers';
const STARTED = 'process_start_time_seconds';

/** What etcd 3.4 to 3.7 calls what we read of it. */
export const ETCD_SERIES: ReadonlySet<string> = new Set([
  ...Object.values(GAUGES),
  FSYNC,
  COMMIT,
  VERSION,
  OWN_ID,
  KNOWN_PEERS,
  ACTIVE_PEERS,
  STARTED,
]);

export interface EtcdMetrics {
  readings: Reading[];
  /** What it lacks, for people. */
  notes: string[];
  hasLeader: boolean;
  fsync: Histogram | undefined;
  commit: Histogram | undefined;
  /** When its process started, in seconds; undefined: it does not say. */
  startedAt: number | undefined;
}

const NO_LABELS = {};

/** What the metrics of an etcd say; undefined: they are those of something else. */
export function parseEtcdMetrics(samples: readonly ExposedSample[]): EtcdMetrics | undefined {
  const numberOf = (name: string) => {
    const value = samples.find((sample) => sample.name === name)?.value;
    return value !== undefined && value >= 0 && Number.isFinite(value) ? value : undefined;
  };
  if (numberOf(OWN_ID) === undefined && numberOf('etcd_server_has_leader') === undefined) return undefined;
  const values = new Map(Object.entries(GAUGES).map(([metric, series]) => [metric, numberOf(series)]));
  const size = values.get('etcd_db_size');
  // Without a quota, which a negative flag means, the series is zero.
  const quota = values.get('etcd_quota') || undefined;
  values.set('etcd_quota', quota);
  values.set('etcd_db_usage', quota && size !== undefined ? (100 * size) / quota : undefined);
  const inUse = values.get('etcd_db_in_use');
  values.set('etcd_fragmentation', fragmentation(size, inUse));
  const isKnown = quota && size !== undefined && inUse !== undefined;
  values.set('etcd_reclaimable', isKnown ? Math.max(0, (100 * (size - inUse)) / quota) : undefined);
  const version = samples.find(({ name }) => name === VERSION)?.labels.server_version;
  values.set('etcd_version', versionNumber(version ?? ''));
  const members = countMembers(samples);
  values.set('etcd_members', members?.known);
  values.set('etcd_members_active', members?.active);

  const readings: Reading[] = [];
  for (const [metric, value] of values)
    if (value !== undefined) readings.push({ metric, labels: NO_LABELS, value });
  const fsync = histogramOf(samples, FSYNC);
  const commit = histogramOf(samples, COMMIT);
  const missing = [
    ...Object.values(GAUGES).filter((series) => numberOf(series) === undefined),
    ...(fsync ? [] : [FSYNC]),
    ...(commit ? [] : [COMMIT]),
    ...(values.get('etcd_version') === undefined ? [VERSION] : []),
  ];
  return {
    readings,
    notes: missing.length > 0 ? [`it does not show ${namesText(missing)}`] : [],
    hasLeader: values.get('etcd_has_leader') !== 0,
    fsync,
    commit,
    startedAt: numberOf(STARTED),
  };
}

function fragmentation(size: number | undefined, inUse: number | undefined): number | undefined {
  if (!size || inUse === undefined) return undefined;
  return Math.max(0, (100 * (size - inUse)) / size);
}

/**
 * Members by their series, the member itself included. Version 3.4 only has series of connections, and keeps those of a
 * removed member until it restarts.
 */
function countMembers(samples: readonly ExposedSample[]): { known: number; active: number } | undefined {
  const peers = (series: string, isCounted: (value: number) => boolean) =>
    samples.flatMap(({ name, labels, value }) =>
      name === series && isCounted(value) ? [labels.Remote] : [],
    );
  const own =
    samples.find(({ name }) => name === OWN_ID)?.labels.server_id ??
    samples.find(({ name }) => name === KNOWN_PEERS || name === ACTIVE_PEERS)?.labels.Local;
  if (own === undefined) return undefined;
  const known = peers(KNOWN_PEERS, (value) => value > 0);
  return {
    known: new Set([own, ...(known.length > 0 ? known : peers(ACTIVE_PEERS, () => true))]).size,
    active: new Set([own, ...peers(ACTIVE_PEERS, (value) => value > 0)]).size,
  };
}
