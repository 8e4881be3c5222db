// The answers of nodes of kubeadm to all checks of its preset: those of a healthy fleet, in which one cluster in a hundred
// uses too much memory all the time.

import { METRICS, type Metric } from '../../core/catalogue.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Check } from '../../core/model/check.ts';
import type { Config } from '../../core/model/config.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Target } from '../../core/model/target.ts';
import { isRepeatRound, isSlow, repeatsOf, takeLastValues } from '../../core/parse/last-values.ts';
import { metricsOf } from '../../core/rule-query.ts';

const DAY = 86_400;

/** Ports of the `tls` check where a node of kubeadm has a server. */
const SERVED_PORTS = ['6443', '2379', '2380', '10250', '10257', '10259'];
/** Certificates of kubeadm: 12 files, and four kubeconfigs with that of an authority and that of a user. */
const CERTIFICATES = 20;

/** The labels that the series of a group have beside those of their node. */
const SERIES: Readonly<Record<string, readonly Labels[]>> = {
  mount: ['/', '/var', '/var/lib/etcd'].map((mount) => ({ mount, device: '/dev/vda1' })),
  interface: [{ device: 'eth0' }],
  disk: [{ device: 'vda' }],
  phase: ['dial', 'tls', 'response'].map((phase) => ({ phase })),
  file: Array.from({ length: CERTIFICATES }, (_, i) => ({
    file: `/etc/kubernetes/pki/certificate-${i}.crt`,
  })),
  served: SERVED_PORTS.map((port) => ({ port })),
};

/** Absent in a healthy fleet, and without `ca`, names to expect, and paths of backups. */
const ABSENT = new Set([
  'apiserver_live_without_etcd',
  'apiserver_check',
  'etcd_check',
  'etcd_backup_age',
  'tls_name_ok',
  'tls_chain_ok',
]);
const MEASURED = METRICS.filter(({ name }) => !ABSENT.has(name));

/** For yes or no 1 is well, but not for the metrics here. */
const VALUES: Readonly<Record<string, number>> = {
  mem_usage: 40,
  disk_usage: 50,
  disk_read_only: 0,
  oom_kills: 0,
  clock_offset: 0.01,
  apiserver_version: 1_037_002,
  apiserver_phase_duration: 0.004,
  etcd_version: 3_007_003,
  etcd_members: 3,
  etcd_members_active: 3,
  etcd_db_usage: 9.3,
  etcd_fragmentation: 25,
  etcd_fsync_p99: 0.008,
  etcd_commit_p99: 0.02,
  cert_begins: -165 * DAY,
  tls_cert_begins: -165 * DAY,
  cert_due: 200 * DAY,
  tls_cert_due: 200 * DAY,
};
/** Kinds of checks that run in each round. */
const MINUTELY = new Set(['usage', 'apiserver', 'etcd', 'kubelet', 'scheduler', 'controller-manager']);
const JITTER = 0.02;
/** Units of what is measured: such values are never the same twice, and take room in messages and stores. */
const MEASURED_UNITS = new Set(['percent', 'seconds', 'bytes', 'bytes_per_second', 'ratio']);

/** @param checks those of the configuration, with those of its presets */
export function observeWatched(checks: readonly Check[]): (batch: Batch) => BatchObservation {
  const byName = new Map(checks.map((check) => [check.name, check]));
  const slow = checks.filter(isSlow);
  return (batch) => {
    const observations = batch.targets.flatMap((target) =>
      batch.checks.flatMap((name) => {
        const check = byName.get(name);
        return check ? [observe(check, target, batch.roundMs)] : [];
      }),
    );
    const ran = slow.flatMap((check) => {
      const roundMs = Math.floor(batch.roundMs / check.everyMs) * check.everyMs;
      return batch.targets.map((target) => observe(check, target, roundMs));
    });
    const repeats = isRepeatRound(batch)
      ? repeatsOf(batch, takeLastValues(new Map(), checks, ran), checks, observations)
      : [];
    return { batch, bastion: { ok: true }, observations, ...(repeats.length > 0 && { repeats }) };
  };
}

function observe({ name, probe, withoutLogin }: Check, target: Target, roundMs: number): Observation {
  const samples = MEASURED.filter(({ probes = [] }) => probes.includes(probe)).flatMap((metric) =>
    samplesOf(metric, target, roundMs),
  );
  return {
    check: name,
    probe,
    ...(withoutLogin && { withoutLogin }),
    target,
    roundMs,
    observedAtMs: roundMs,
    durationMs: 40,
    result: { ok: true, samples, notes: [] },
  };
}

/**
 * What the store holds of the time before the first round, as far back as evaluations read: nobody waits hours until windows
 * are full. A round each.
 */
export function* historyOf(
  { rules, schedule }: Pick<Config, 'rules' | 'schedule'>,
  { targets, untilMs, everyMs }: { targets: readonly Target[]; untilMs: number; everyMs: number },
): Generator<Sample[]> {
  const spans = rules.flatMap((rule) =>
    metricsOf(rule).flatMap((name) => {
      const metric = MEASURED.find((one) => one.name === name);
      const isMinutely = metric?.probes?.some((probe) => MINUTELY.has(probe));
      const backMs = schedule.latenessMs + (rule.window?.lastMs ?? 0);
      return metric && isMinutely ? [{ metric, fromMs: untilMs - backMs }] : [];
    }),
  );
  const firstMs = Math.min(untilMs, ...spans.map(({ fromMs }) => fromMs));
  for (let timeMs = firstMs; timeMs < untilMs; timeMs += everyMs) {
    const metrics = new Set(spans.filter(({ fromMs }) => fromMs <= timeMs).map(({ metric }) => metric));
    yield [...metrics].flatMap((metric) => targets.flatMap((target) => samplesOf(metric, target, timeMs)));
  }
}

function samplesOf({ name, group, unit }: Metric, { cluster, node, role }: Target, timeMs: number): Sample[] {
  const breaches = name === 'mem_usage' && Number(cluster.slice(1)) % 100 === 0;
  return (SERIES[group] ?? [{}]).map((own) => ({
    metric: name,
    labels: { cluster, node, role, ...own },
    timeMs,
    value: breaches ? 95 : madeUp(name, unit),
  }));
}

function madeUp(metric: string, unit: Metric['unit']): number {
  const value = VALUES[metric] ?? 1;
  return MEASURED_UNITS.has(unit) ? value * (1 + JITTER * (Math.random() - 0.5)) : value;
}
