// What happens in a normal year of a cluster. The default rules must be silent about all of it, but for what is named.

import { describe, expect, it } from 'vitest';
import { hashNumber } from '../../core/hash.ts';
import { DAY, HOUR, MINUTE, NODES, type NodeState, samplesOfRound, WELL } from './cluster-model.ts';
import { firingsOf } from './run-rules.ts';

type Change = Partial<NodeState>;

interface Episode {
  name: string;
  hours: number;
  /** What differs from a quiet node, in a minute of the episode. */
  state: (node: number, minute: number) => Change;
  /** Rules that fire, with the labels that are not those of the node. */
  fires?: readonly string[];
  nodesAt?: (timeMs: number) => readonly string[];
}

/** Whether a minute is in a span that begins at `from`. */
const within = (minute: number, from: number, minutes: number) => minute >= from && minute < from + minutes;
/** The start of the work on a node, when one follows the other. */
const turn = (node: number, first: number, apart: number) => first + node * apart;
const values = (more: Readonly<Record<string, number>>): Change => ({ values: more });
/** Not random, so that a failure can be repeated. */
const chance = (...what: readonly unknown[]) => hashNumber(what.join(' ')) / 2 ** 32;

const CERTIFICATES = {
  'apiserver.crt': [-200 * DAY, 165 * DAY],
  'ca.crt': [-2_000 * DAY, 1_650 * DAY],
} as const;

/** Restart of a node's pods by `kubeadm upgrade`: etcd first, then the others. */
function upgraded(node: number, minute: number, start: number): Change {
  const done = minute >= start;
  const changes = NODES.filter((_, other) => minute >= turn(other, 60, 6)).length;
  return {
    etcd: within(minute, start, 1) ? 'down' : within(minute, start + 1, 1) ? 'leaderless' : 'ok',
    apiserver: within(minute, start + 2, 1) ? 'down' : within(minute, start + 3, 2) ? 'failing' : 'ready',
    failingCheck: 'poststarthook/rbac/bootstrap-roles',
    parts: within(minute, start + 3, 2) ? 'down' : 'ok',
    certificates: {
      ...CERTIFICATES,
      'apiserver.crt': done ? [start * MINUTE, start * MINUTE + 365 * DAY] : CERTIFICATES['apiserver.crt'],
    },
    values: {
      apiserver_version: done ? 1_038_000 : 1_037_002,
      etcd_version: done ? 3_007_004 : 3_007_003,
      etcd_leader_changes: done ? 1 + changes : 3 + changes,
      etcd_proposals_failed: done ? 8 * (changes - node) : 12 + 8 * changes,
      disk_usage: 40 + Math.min(6, Math.max(0, minute - start)),
    },
  };
}

const EPISODES: readonly Episode[] = [
  {
    name: 'kubeadm upgrades three nodes, six minutes apart',
    hours: 5,
    state: (node, minute) => upgraded(node, minute, turn(node, 60, 6)),
  },
  {
    name: 'OpenShift rolls its API servers out: each drains for three and a half minutes',
    hours: 3,
    state: (node, minute) => {
      const start = turn(node, 30, 10);
      if (within(minute, start, 4)) return { apiserver: 'failing', failingCheck: 'shutdown' };
      if (within(minute, start + 4, 1)) return { apiserver: 'down' };
      return within(minute, start + 5, 1) ? { apiserver: 'failing' } : {};
    },
  },
  {
    name: 'kernel updates: each node boots for two minutes, a quarter of an hour apart',
    hours: 4,
    state: (node, minute) => {
      const start = turn(node, 60, 15);
      const boots = NODES.filter((_, other) => minute >= turn(other, 60, 15)).length;
      const changed = values({ etcd_leader_changes: minute >= start ? 1 : 3 + boots });
      if (within(minute, start, 2)) return { reach: 'down' };
      if (within(minute, start + 2, 1)) return { ...changed, apiserver: 'failing', etcd: 'leaderless' };
      return changed;
    },
  },
  {
    name: 'the bastion boots for three minutes',
    hours: 3,
    state: (_, minute) => (within(minute, 60, 3) ? { reach: 'lost' } : {}),
    fires: ['bastion-lost'],
  },
  {
    name: 'a bad day of the network: one round in fifty misses a node, one check in fifty cannot be made',
    hours: 24,
    state: (node, minute) => ({
      reach: chance('reach', node, minute) < 0.02 ? 'missed' : 'up',
      failed: ['usage', 'apiserver', 'etcd', 'kubelet', 'pki', 'tls'].filter(
        (check) => chance(check, node, minute) < 0.02,
      ),
    }),
  },
  {
    name: 'API servers that begin to hide their state, as anonymous requests are switched off',
    hours: 3,
    state: (_, minute) => ({ apiserver: minute >= 30 ? 'hidden' : 'ready' }),
  },
  {
    name: 'API servers that hide their state, with every third round missed',
    hours: 3,
    state: (_, minute) => ({ apiserver: 'hidden', reach: minute % 3 === 0 ? 'missed' : 'up' }),
  },
  {
    name: 'three elections in a day, each with proposals that fail',
    hours: 24,
    state: (_, minute) => {
      const elections = [200, 700, 1_100].filter((at) => minute >= at).length;
      return {
        etcd: [200, 700, 1_100].includes(minute) ? 'leaderless' : 'ok',
        ...values({ etcd_leader_changes: 3 + elections, etcd_proposals_failed: 12 + 40 * elections }),
      };
    },
  },
  {
    name: 'a backup each night: slow disk, a large file for hours, its age',
    hours: 72,
    state: (_, minute) => {
      const ofDay = minute % 1_440;
      const since = (minute + 1_440 - 170) % 1_440;
      const busy = within(ofDay, 120, 9);
      return values({
        etcd_fsync_p99: busy ? 0.8 : 0.01,
        etcd_commit_p99: busy ? 0.6 : 0.02,
        mem_usage: within(ofDay, 120, 180) ? 82 : 55,
        disk_usage: 40 + (within(ofDay, 120, 180) ? (ofDay - 120) / 15 : 0),
        etcd_backup_age: 60 * since + (minute % 2_880 < 1_440 ? 2_400 : 0),
      });
    },
  },
  {
    name: 'etcd is compacted and defragmented, and grows to its size again in two hours',
    hours: 24,
    state: (node, minute) => {
      const start = turn(node, 300, 5);
      const grown = Math.min(1, Math.max(0, minute - start) / 120);
      if (within(minute, start, 1)) return { failed: ['etcd'] };
      return values({
        etcd_db_usage: minute < start ? 60 : 35 + 25 * grown,
        etcd_reclaimable: minute < start ? 28 : 2 + 20 * grown,
      });
    },
  },
  {
    name: 'a node is replaced: taken out, then a new one joins and pulls its images',
    hours: 6,
    nodesAt: (timeMs) => (within(timeMs / MINUTE, 60, 30) ? ['n1', 'n2'] : NODES),
    state: (node, minute) => {
      const active = within(minute, 60, 4) || within(minute, 88, 4) ? 2 : 3;
      const known = within(minute, 64, 24) ? 2 : 3;
      const members = [known, Math.min(known, active)] as const;
      if (node < 2) return { members };
      if (within(minute, 60, 30)) return { reach: 'removed' };
      const age = minute - 90;
      if (age < 0) return { members };
      return {
        members,
        apiserver: age < 2 ? 'failing' : 'ready',
        etcd: age < 1 ? 'leaderless' : 'ok',
        ...values({ disk_usage: Math.min(35, 8 + age), etcd_leader_changes: 1, etcd_proposals_failed: 0 }),
      };
    },
  },
  {
    name: 'a virtual machine is moved: its clock is three seconds off for five minutes',
    hours: 3,
    state: (node, minute) => {
      if (node !== 0) return {};
      if (within(minute, 60, 1)) return { reach: 'missed' };
      return within(minute, 61, 5) ? values({ clock_offset: 3 }) : {};
    },
  },
  {
    name: 'logs grow by a percent of the disk an hour, and are rotated',
    hours: 48,
    state: (_, minute) => values({ disk_usage: 50 + (minute % 1_440) / 60 }),
  },
  {
    name: 'images of an upgrade are pulled one after the other, for three hours',
    hours: 8,
    state: (_, minute) =>
      values({ disk_usage: 40 + 3 * Math.floor(Math.min(180, Math.max(0, minute - 60)) / 50) }),
  },
];

/** Faults that last, seen through a network that loses one round in ten: a hold is not reset by what is missed. */
const FAULTS: readonly [rule: string, hours: number, fault: (node: number, minute: number) => Change][] = [
  ['node-down', 1, (node) => (node === 0 ? { reach: 'down' } : {})],
  ['apiserver-down', 1, (node) => (node === 0 ? { apiserver: 'down' } : {})],
  ['apiserver-not-ready', 1, (node) => (node === 0 ? { apiserver: 'failing' } : {})],
  ['etcd-down', 1, (node) => (node === 0 ? { etcd: 'down' } : {})],
  ['etcd-members.warning', 1, (node) => (node === 0 ? { etcd: 'down' } : {})],
  ['etcd-no-leader', 1, () => ({ etcd: 'leaderless' })],
  ['kubelet-unhealthy', 1, (node) => (node === 0 ? { parts: 'down' } : {})],
  ['check-failing', 1, (node) => (node === 0 ? { failed: ['etcd'] } : {})],
  ['etcd-fills', 14, (_, minute) => values({ etcd_db_usage: 20 + minute / 15 })],
  ['disk-fills', 9, (_, minute) => values({ disk_usage: 20 + minute / 15 })],
];

/** Days until a certificate ends, and from when on somebody renews it: with that share of its life left. */
const RENEWALS: readonly [name: string, days: number, leftAtRenewal: number][] = [
  ['of a year, by kubeadm every eight months', 365, 0.33],
  ['of a year, by the kubelet at the latest of its times', 365, 0.1],
  ['of thirty days, by the kubelet at the latest of its times', 30, 0.1],
  ['of ninety days, by cert-manager', 90, 0.33],
  ['of a week, by a sidecar with a quarter left', 7, 0.25],
  ['of a day, with a third left', 1, 0.33],
];

function samplesOf({ hours, state }: Episode) {
  const rounds = Array.from({ length: hours * 60 + 1 }, (_, minute) => minute);
  return rounds.flatMap((minute) => {
    const states = NODES.map((name, node) => [name, { ...WELL, ...state(node, minute) }] as const);
    return samplesOfRound(
      Object.fromEntries(states) as Record<(typeof NODES)[number], NodeState>,
      minute * MINUTE,
      minute % 60 === 0,
    );
  });
}

describe('the default rules fire nothing but what is named while', () => {
  it.each(EPISODES)('$name', (episode) => {
    const { hours, fires = [], nodesAt } = episode;
    const found = firingsOf(samplesOf(episode), { endMs: hours * HOUR, ...(nodesAt && { nodesAt }) });
    expect(found.filter((line) => !fires.includes(line.split(' ')[0] ?? ''))).toEqual([]);
    for (const rule of fires) expect(found.some((line) => line.startsWith(`${rule} `))).toBe(true);
  });

  it.each(FAULTS)('a fault lasts, and then they fire %s', (rule, hours, fault) => {
    const state = (node: number, minute: number): Change => {
      const change = minute < 20 ? {} : fault(node, minute - 20);
      return chance('reach', node, minute) < 0.1 ? { ...change, reach: 'missed' } : change;
    };
    const found = firingsOf(samplesOf({ name: rule, hours, state }), { endMs: hours * HOUR });
    expect(found.some((line) => line.startsWith(`${rule} `))).toBe(true);
  });

  it.each(RENEWALS)('a certificate is renewed: %s', (_, days, share) => {
    const name = share === 0.1 ? '/var/lib/kubelet/pki/kubelet-client-current.pem' : '/etc/certificate.crt';
    const lifeMs = days * DAY;
    const renewMs = Math.floor((lifeMs * (1 - share)) / HOUR) * HOUR;
    const hours = Math.ceil((2 * lifeMs) / HOUR);
    const samples = Array.from({ length: hours }, (_, hour) => hour * HOUR).flatMap((timeMs) => {
      const from = Math.floor(timeMs / renewMs) * renewMs;
      const state = { ...WELL, certificates: { [name]: [from, from + lifeMs] as const } };
      return samplesOfRound({ n1: state, n2: state, n3: state }, timeMs, true).filter(({ metric }) =>
        /cert|^up$/.test(metric),
      );
    });
    expect(firingsOf(samples, { endMs: (hours - 1) * HOUR, chunkMs: 30 * DAY })).toEqual([]);
  });
});
