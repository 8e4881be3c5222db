// Default rules on etcd. Thresholds and holds are those of its mixin, where no comment says otherwise:
// https://github.com/etcd-io/etcd/blob/main/contrib/mixin/alerts/alerts.libsonnet

import { ETCD_ROLES } from '../../model/target.ts';
import type { RuleText } from './rule-text.ts';

/** An aggregate needs a value of half of the nodes it expects, so it expects only those that have one. */
const ETCDS = { role: [...ETCD_ROLES] };

const DOWN = ['node-down', 'etcd-down'];

export const ETCD_RULES: readonly RuleText[] = [
  {
    // etcdMembersDown.
    name: 'etcd-down',
    title: 'etcd down',
    metric: 'etcd_up',
    below: 1,
    for: '10m',
    severity: 'critical',
    inhibitedBy: ['node-down'],
    summary: 'nothing answers at the metrics port of etcd on {{node}} for {{held}}',
  },
  {
    name: 'etcd-unhealthy',
    title: 'etcd unhealthy',
    metric: 'etcd_check',
    below: 1,
    for: '3m',
    severity: 'critical',
    inhibitedBy: [...DOWN, 'etcd-no-leader'],
    summary: 'etcd of {{node}} has called itself unhealthy for {{held}}: {{name}}',
  },
  {
    // etcdNoLeader.
    name: 'etcd-no-leader',
    title: 'etcd without a leader',
    metric: 'etcd_has_leader',
    below: 1,
    for: '1m',
    severity: 'critical',
    inhibitedBy: DOWN,
    summary: 'the etcd member of {{node}} has seen no leader for {{held}}: it serves no writes',
  },
  {
    // etcdInsufficientMembers, 3m. The member that sees most decides: one that is cut off sees itself alone, and the rest may be
    // whole. Of three, five or seven members at most 67% is the last majority, and at most 50% is none.
    name: 'etcd-members',
    title: 'etcd members missing',
    ratio: { of: 'etcd_members_active', over: 'etcd_members' },
    where: ETCDS,
    aggregate: { by: ['cluster'], op: 'max' },
    for: '10m',
    tiers: {
      info: { below: 100, summary: '{{value}} of the etcd members of {{cluster}} are connected' },
      warning: {
        below: 70,
        for: '5m',
        summary: 'etcd of {{cluster}} loses its quorum with the next member: {{value}} are connected',
      },
      critical: {
        below: 51,
        for: '3m',
        summary: 'etcd of {{cluster}} has no quorum: no member sees more than {{value}} of them',
      },
    },
  },
  {
    // etcdHighNumberOfLeaderChanges: four in 15 minutes.
    name: 'etcd-leader-changes',
    title: 'etcd changes its leader often',
    metric: 'etcd_leader_changes',
    where: ETCDS,
    window: { last: '15m', reduce: 'delta' },
    aggregate: { by: ['cluster'], op: 'max' },
    above: 3,
    for: '5m',
    severity: 'warning',
    summary: 'etcd of {{cluster}} changed its leader {{value}} times in {{window}}',
  },
  {
    // etcdHighNumberOfFailedProposals.
    name: 'etcd-proposals-failed',
    title: 'etcd proposals fail',
    metric: 'etcd_proposals_failed',
    window: { last: '15m', reduce: 'delta' },
    above: 5,
    for: '15m',
    severity: 'warning',
    inhibitedBy: [...DOWN, 'etcd-no-leader'],
    summary: '{{value}} proposals of etcd on {{node}} failed in {{window}}',
  },
  {
    // etcdHighFsyncDurations.
    name: 'etcd-fsync',
    title: 'etcd fsync slow',
    metric: 'etcd_fsync_p99',
    for: '10m',
    inhibitedBy: DOWN,
    tiers: { warning: { above: 0.5 }, critical: { above: 1 } },
    summary: 'the disk of etcd on {{node}} takes {{value}} (p99) to write its log',
  },
  {
    // etcdHighCommitDurations; the mixin has no critical one.
    name: 'etcd-commit',
    title: 'etcd commit slow',
    metric: 'etcd_commit_p99',
    for: '10m',
    inhibitedBy: DOWN,
    // Both are of one disk; where the log is critically slow this adds nothing.
    supersededBy: ['etcd-fsync.critical'],
    tiers: { warning: { above: 0.25 }, critical: { above: 1 } },
    summary: 'the disk of etcd on {{node}} takes {{value}} (p99) to commit',
  },
  {
    // etcdDatabaseQuotaLowSpace.
    name: 'etcd-quota',
    title: 'etcd near its quota',
    metric: 'etcd_db_usage',
    above: 95,
    for: '10m',
    severity: 'critical',
    inhibitedBy: DOWN,
    summary: 'etcd of {{node}} has used {{value}} of its quota; at 100% it refuses writes',
  },
  {
    // etcdExcessiveDatabaseGrowth looks four hours ahead: too late for a night. It holds for as long as the window is, since one
    // burst looks like growth while it is in the window.
    name: 'etcd-fills',
    title: 'etcd reaches its quota',
    metric: 'etcd_db_usage',
    window: { last: '6h', reduce: 'forecast', in: '24h' },
    above: 100,
    for: '6h',
    severity: 'warning',
    inhibitedBy: [...DOWN, 'etcd-quota'],
    summary: 'etcd of {{node}} reaches its quota within {{ahead}} if it goes on as in the last {{window}}',
  },
  {
    // The mixin compares with what is in use (half), which says nothing of a small database.
    name: 'etcd-fragmentation',
    title: 'etcd fragmented',
    metric: 'etcd_reclaimable',
    above: 30,
    for: '1h',
    severity: 'warning',
    inhibitedBy: DOWN,
    summary: 'a defragmentation of etcd on {{node}} would give back {{value}} of its quota',
  },
  {
    // A day and two hours: a daily backup was missed. The other tier: three were.
    name: 'etcd-backup-old',
    title: 'etcd backup old',
    metric: 'etcd_backup_age',
    for: '10m',
    inhibitedBy: ['node-down'],
    tiers: { warning: { above: 93_600 }, critical: { above: 266_400 } },
    summary: 'the newest backup {{file}} on {{node}} is {{value}} old',
  },
  {
    name: 'etcd-version-skew',
    title: 'etcd of several versions',
    metric: 'etcd_version',
    where: ETCDS,
    aggregate: { by: ['cluster'], op: 'spread' },
    above: 0,
    for: '1d',
    severity: 'warning',
    summary: 'etcd members of {{cluster}} have run several versions for {{held}}: is an upgrade unfinished?',
  },
];
