// What the checks of the preset kubeadm see of a cluster of three nodes, round by round, from the state of its parts.

import type { Labels } from '../../core/model/labels.ts';
import type { Sample } from '../../core/model/sample.ts';
import { beginsReading, lifeReadings } from '../../core/parse/certificate-life.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const CLUSTER = 'c';
export const NODES = ['n1', 'n2', 'n3'] as const;

/** The state of a node in a round. */
export interface NodeState {
  /** `down`: nothing answers; `missed`: our round did not come to it; `lost`: its bastion does not let us through. */
  reach: 'up' | 'down' | 'missed' | 'lost' | 'removed';
  /** `failing`: /readyz answers 500, as while it starts or drains; `hidden`: it answers 401. */
  apiserver: 'ready' | 'failing' | 'down' | 'hidden';
  /** The check that /readyz names while it fails. */
  failingCheck: string;
  etcd: 'ok' | 'down' | 'leaderless';
  /** kubelet, scheduler and controller manager. */
  parts: 'ok' | 'down';
  /** Checks that could not be made in this round. */
  failed: readonly string[];
  /** Members of etcd, and how many of them this one is connected to. Default: those whose etcd runs. */
  members: readonly [known: number, active: number] | undefined;
  /** Certificates in files and of port 6443, by name: from, until. */
  certificates: Readonly<Record<string, readonly [fromMs: number, untilMs: number]>>;
  /** Other values than those of a quiet node. */
  values: Readonly<Record<string, number>>;
}

const QUIET: Readonly<Record<string, number>> = {
  mem_usage: 55,
  disk_usage: 40,
  disk_read_only: 0,
  oom_kills: 0,
  clock_offset: 0.01,
  label_sets_dropped: 0,
  host_key_mismatch: 0,
  etcd_leader_changes: 3,
  etcd_proposals_failed: 12,
  etcd_db_usage: 20,
  etcd_reclaimable: 4,
  etcd_fsync_p99: 0.01,
  etcd_commit_p99: 0.02,
  etcd_backup_age: 6 * 3_600,
  etcd_version: 3_007_003,
  apiserver_version: 1_037_002,
};

export const WELL: NodeState = {
  reach: 'up',
  apiserver: 'ready',
  failingCheck: 'etcd',
  etcd: 'ok',
  parts: 'ok',
  failed: [],
  members: undefined,
  certificates: {},
  values: {},
};

/** The samples of a round at that time. */
export function samplesOfRound(
  states: Readonly<Record<(typeof NODES)[number], NodeState>>,
  timeMs: number,
  isHourly: boolean,
): Sample[] {
  const all = Object.values(states);
  const isLost = all.some(({ reach }) => reach === 'lost');
  const bastion = { bastion: 'b', batch: '0' };
  const samples: Sample[] = [
    { metric: 'bastion_up', labels: bastion, timeMs, value: isLost ? 0 : 1 },
    { metric: 'bastion_host_key_mismatch', labels: bastion, timeMs, value: 0 },
  ];
  const running = all.filter(({ reach, etcd }) => reach !== 'down' && reach !== 'removed' && etcd !== 'down');
  for (const node of NODES) {
    const state = states[node];
    if (state.reach === 'missed' || state.reach === 'lost' || state.reach === 'removed') continue;
    const labels = { cluster: CLUSTER, node, role: 'controlplane' };
    const add = (metric: string, value: number, own: Labels = {}) =>
      samples.push({ metric, labels: { ...labels, ...own }, timeMs, value });
    observeNode(state, { add, active: running.length, timeMs, isHourly });
  }
  return samples;
}

type Add = (metric: string, value: number, own?: Labels) => void;

function observeNode(
  state: NodeState,
  { add, active, timeMs, isHourly }: { add: Add; active: number; timeMs: number; isHourly: boolean },
): void {
  const { reach, apiserver, etcd, parts, failed, members, values, certificates } = state;
  const add1 = (metric: string, own?: Labels) => add(metric, values[metric] ?? QUIET[metric] ?? 1, own);
  const isUp = reach === 'up';
  const ran = (check: string, loggedIn: boolean) => {
    const ok = !failed.includes(check) && (isUp || !loggedIn);
    add('probe_success', ok ? 1 : 0, { check });
    return ok;
  };
  add('up', isUp && !failed.includes('usage') ? 1 : 0);
  if (isUp) add1('host_key_mismatch');
  if (isUp && !failed.includes('usage')) {
    for (const metric of ['mem_usage', 'oom_kills', 'clock_offset']) add1(metric);
    for (const metric of ['disk_usage', 'disk_read_only'])
      add1(metric, { mount: '/var', device: '/dev/vda1' });
  }
  if (ran('apiserver', false)) {
    const answers = isUp && apiserver !== 'down';
    add('apiserver_up', answers ? 1 : 0);
    if (answers && apiserver !== 'hidden') {
      add('apiserver_ready', apiserver === 'ready' ? 1 : 0);
      if (apiserver === 'failing') add('apiserver_check', 0, { name: state.failingCheck });
      add1('apiserver_version');
    }
  }
  if (ran('etcd', true)) {
    add('etcd_up', etcd === 'down' ? 0 : 1);
    if (etcd !== 'down') {
      add('etcd_has_leader', etcd === 'ok' ? 1 : 0);
      if (etcd !== 'ok') add('etcd_check', 0, { name: 'leader' });
      add('etcd_members', members?.[0] ?? NODES.length);
      add('etcd_members_active', members?.[1] ?? active);
      for (const metric of Object.keys(QUIET).filter((name) => name.startsWith('etcd_')))
        if (metric !== 'etcd_backup_age') add1(metric);
    }
    add1('etcd_backup_age', { file: '/backup/*.db' });
  }
  for (const part of ['kubelet', 'scheduler', 'controller-manager'])
    if (ran(part, true)) add(`${part.replaceAll('-', '_')}_healthy`, parts === 'ok' ? 1 : 0);
  if (!isHourly) return;
  const readings = (prefix: 'cert' | 'tls_cert', own: (name: string) => Labels) =>
    Object.entries(certificates).flatMap(([name, [fromMs, untilMs]]) => [
      ...lifeReadings(prefix, own(name), { fromMs, untilMs }, timeMs),
      beginsReading(prefix, own(name), fromMs, timeMs),
    ]);
  const found = [
    ...(ran('pki', true) ? readings('cert', (file) => ({ file })) : []),
    ...(ran('tls', false) && isUp
      ? readings('tls_cert', (name) => ({ port: name.includes('kubelet') ? '10250' : '6443' }))
      : []),
  ];
  for (const { metric, labels: own, value } of found) add(metric, value, own);
}
