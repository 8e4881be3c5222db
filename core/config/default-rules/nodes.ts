// Default rules on nodes and bastions. Thresholds follow kubernetes-mixin and the mixin of node_exporter; holds are shorter:
// https://github.com/kubernetes-monitoring/kubernetes-mixin, https://github.com/prometheus/node_exporter/tree/master/docs/node-mixin

import { formatDuration } from '../../duration.ts';
import type { RuleText } from './rule-text.ts';

const DAY = 86_400;

/** @param everyMs the shortest interval of the checks: how long `bastion-lost` holds depends on it */
export function nodeRules(everyMs: number): RuleText[] {
  return [
    {
      name: 'node-down',
      title: 'Node down',
      metric: 'up',
      below: 1,
      for: '3m',
      severity: 'critical',
      inhibitedBy: ['host-key-changed'],
      summary: '{{node}} has not let us in for {{held}}',
    },
    {
      name: 'memory',
      title: 'Memory usage',
      metric: 'mem_usage',
      above: 90,
      recoveryThreshold: 85,
      for: '10m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      summary: '{{node}} has used {{value}} of its memory, over {{threshold}} for {{held}}',
    },
    {
      name: 'disk',
      title: 'Disk usage',
      metric: 'disk_usage',
      above: 90,
      for: '10m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      supersededBy: ['disk-full'],
      summary: '{{mount}} on {{node}} is {{value}} full, over {{threshold}} for {{held}}',
    },
    {
      name: 'disk-full',
      title: 'Disk nearly full',
      metric: 'disk_usage',
      above: 97,
      for: '2m',
      severity: 'critical',
      inhibitedBy: ['node-down'],
      summary: '{{mount}} on {{node}} is {{value}} full',
    },
    {
      name: 'disk-read-only',
      title: 'Disk turned read-only',
      metric: 'disk_read_only',
      above: 0,
      for: '0s',
      severity: 'critical',
      inhibitedBy: ['node-down'],
      summary: '{{mount}} on {{node}} ({{device}}) was made read-only by the kernel, after an error',
    },
    {
      // It fires when two rounds in a row reach no node: the hold starts with the first.
      name: 'bastion-lost',
      title: 'Bastion lost',
      metric: 'bastion_up',
      aggregate: { by: ['bastion'], op: 'max' },
      below: 1,
      for: formatDuration(everyMs),
      severity: 'critical',
      summary: 'nothing gets through bastion {{bastion}}; nodes that no other bastion reaches are unknown',
    },
    {
      // Where clusters have several bastions. One bastion whose nodes all went silent is one alert for each cluster.
      name: 'way-lost',
      title: 'Way lost',
      metric: 'way_lost',
      aggregate: { by: ['cluster', 'bastion'], op: 'sum' },
      above: 0,
      for: '3m',
      severity: 'warning',
      summary:
        'bastion {{bastion}} does not reach {{value}} of the nodes of {{cluster}} that another bastion reaches: the network between them',
    },
    {
      // While a node has too many label sets, some rounds drop none; such a pause does not resolve the alert.
      name: 'label-sets-dropped',
      title: 'Too many label sets',
      metric: 'label_sets_dropped',
      above: 0,
      for: '0s',
      keepFiringFor: '15m',
      severity: 'warning',
      summary:
        '{{node}} shows {{value}} mounts, interfaces or disks more than it may newly bring in an hour; these are not watched',
    },
    {
      name: 'host-key-changed',
      title: 'Host key changed',
      metric: 'host_key_mismatch',
      above: 0,
      for: '0s',
      severity: 'critical',
      summary: '{{node}} shows another host key than the pinned one and was refused',
    },
    {
      // For checks that log in nowhere, so also for hosts that accept no key of ours.
      name: 'unexpected-host-key',
      title: 'Unexpected host key',
      metric: 'hostkey_ok',
      below: 1,
      for: '0s',
      severity: 'critical',
      inhibitedBy: ['host-key-changed'],
      summary: '{{node}} showed another host key than the pinned one to {{check}}',
    },
    {
      name: 'ssh-silent',
      title: 'SSH does not answer',
      metric: 'hostkey_up',
      below: 1,
      for: '15m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      summary: 'no SSH server of {{node}} has exchanged keys with {{check}} for {{held}}',
    },
    {
      name: 'bastion-host-key-changed',
      title: 'Bastion host key changed',
      metric: 'bastion_host_key_mismatch',
      above: 0,
      for: '0s',
      severity: 'critical',
      summary: 'bastion {{bastion}} shows another host key than the pinned one and was refused',
    },
    {
      // NodeFilesystemSpaceFillingUp, without its second condition on the free space: instead it holds for six hours, so that
      // neither a large file nor a backup of some hours fires it. A longer window would be read in each round.
      name: 'disk-fills',
      title: 'Disk fills up',
      metric: 'disk_usage',
      window: { last: '1h', reduce: 'forecast', in: '24h' },
      above: 100,
      for: '6h',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      supersededBy: ['disk', 'disk-full'],
      summary: '{{mount}} on {{node}} will be full within {{ahead}} if it goes on as in the last {{window}}',
    },
    {
      name: 'oom-kills',
      title: 'Processes killed for lack of memory',
      metric: 'oom_kills',
      above: 0,
      for: '0s',
      keepFiringFor: '15m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      summary: 'the kernel of {{node}} killed {{value}} processes for lack of memory',
    },
    {
      // NodeClockSkewDetected takes 50 ms; over SSH the offset is known to about half a round trip.
      name: 'clock-offset',
      title: 'Clock off',
      metric: 'clock_offset',
      outside: [-0.5, 0.5],
      for: '10m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      summary: 'the clock of {{node}} is {{value}} away from ours',
    },
    {
      // etcd warns of a peer whose clock is a second away:
      // https://github.com/etcd-io/etcd/blob/main/server/etcdserver/api/rafthttp/probing_status.go
      name: 'clock-spread',
      title: 'Clocks of a cluster apart',
      metric: 'clock_offset',
      aggregate: { by: ['cluster'], op: 'spread' },
      above: 1,
      for: '10m',
      severity: 'warning',
      summary: 'clocks of the nodes of {{cluster}} are {{value}} apart',
    },
    {
      // Nodes that verify signatures refuse a script whose signature has expired. Not aggregated: where few nodes of a cluster
      // verify, an aggregate would lack half of what it expects.
      name: 'signature-expiring',
      title: 'Signature of scripts expires',
      metric: 'signature_expiry',
      for: '0s',
      tiers: { warning: { below: 14 * DAY }, critical: { below: 3 * DAY } },
      inhibitedBy: ['node-down'],
      summary:
        'the signature of the script of check {{check}} expires in {{value}}; then {{node}} refuses it',
    },
    {
      // `usage` has no success of its own: where it cannot run, the node is down.
      name: 'check-failing',
      title: 'Check cannot be made',
      metric: 'probe_success',
      below: 1,
      for: '15m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      summary: 'check {{check}} of {{node}} could not be made for {{held}}: what it watches is unknown',
    },
    {
      // Reasons that no other alert names: a node that is down or behind a lost bastion has one. New nodes have the time of the hold.
      name: 'nodes-unwatched',
      title: 'Nodes not watched',
      metric: 'unwatched_nodes',
      where: { reason: ['no-check', 'never-seen', 'overdue', 'beyond-capacity', 'penalty'] },
      above: 0,
      for: '15m',
      severity: 'warning',
      summary:
        '{{value}} of the nodes have not been watched for {{held}}, reason {{reason}}: bartizan coverage names them',
    },
    {
      name: 'inventory-silent',
      title: 'Inventory silent',
      metric: 'inventory_age',
      above: 3600,
      for: '0s',
      severity: 'warning',
      summary:
        'the source {{source}} of the inventory last answered {{value}} ago: new and removed nodes are unknown',
    },
  ];
}
