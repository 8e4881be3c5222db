// The one list of metrics. Documentation, API, charts and configuration checks take names and units from here.

export type Unit = 'percent' | 'seconds' | 'bytes' | 'bytes_per_second' | 'count' | 'ratio' | 'bool';

export interface Metric {
  name: string;
  title: string;
  unit: Unit;
  help: string;
  /** Metrics that share a group share their label names; a store may keep them in one row. */
  group: 'node' | 'mount' | 'interface' | 'disk' | 'bastion' | 'check';
  /** What 0 and 1 are called, where "no" and "yes" would be a riddle. */
  states?: readonly [string, string];
  /** May be below zero. */
  isSigned?: true;
  /** Only grows, but for new starts from zero. */
  isCounter?: true;
}

/** Label names of a group's series. */
export const GROUP_LABELS = {
  node: ['cluster', 'node', 'role'],
  mount: ['cluster', 'node', 'role', 'mount', 'device'],
  interface: ['cluster', 'node', 'role', 'device'],
  disk: ['cluster', 'node', 'role', 'device'],
  bastion: ['bastion', 'batch'],
  check: ['cluster', 'node', 'role', 'check'],
} as const satisfies Record<Metric['group'], readonly string[]>;

const m = (name: string, title: string, unit: Unit, group: Metric['group'], help: string): Metric => ({
  name,
  title,
  unit,
  group,
  help,
});

const DOWN_UP = { states: ['down', 'up'] } as const;

export const METRICS: readonly Metric[] = [
  {
    ...m(
      'up',
      'Node up',
      'bool',
      'node',
      '1 if the node let us in and ran the check, 0 if not; absent while its bastion fails',
    ),
    ...DOWN_UP,
  },
  m(
    'cpu_usage',
    'CPU usage',
    'percent',
    'node',
    'Time not idle and not waiting for I/O, of all cores, since the previous round',
  ),
  m('cpu_iowait', 'CPU I/O wait', 'percent', 'node', 'Time idle while I/O was outstanding'),
  m('cpu_steal', 'CPU steal', 'percent', 'node', 'Time the hypervisor gave to others'),
  m(
    'mem_usage',
    'Memory usage',
    'percent',
    'node',
    '100 × (1 − MemAvailable / MemTotal); before Linux 3.14 MemFree + Buffers + Cached + SReclaimable − Shmem is what is available',
  ),
  m('mem_total', 'Memory', 'bytes', 'node', 'MemTotal'),
  m('swap_usage', 'Swap usage', 'percent', 'node', 'Swap in use; absent without swap'),
  m('load1', 'Load 1m', 'count', 'node', 'Load average over one minute'),
  m('load5', 'Load 5m', 'count', 'node', 'Load average over five minutes'),
  m('load15', 'Load 15m', 'count', 'node', 'Load average over fifteen minutes'),
  m('load_per_core', 'Load per core', 'ratio', 'node', 'Load average over one minute, divided by the cores'),
  m('cores', 'Cores', 'count', 'node', 'Processors online'),
  m('psi_cpu', 'CPU pressure', 'percent', 'node', 'Time some task waited for cpu (PSI some avg60)'),
  m('psi_mem', 'Memory pressure', 'percent', 'node', 'Time some task waited for memory (PSI some avg60)'),
  m('psi_io', 'I/O pressure', 'percent', 'node', 'Time some task waited for I/O (PSI some avg60)'),
  { ...m('uptime', 'Uptime', 'seconds', 'node', 'Time since boot'), isCounter: true },
  {
    ...m(
      'clock_offset',
      'Clock offset',
      'seconds',
      'node',
      "The node's clock minus ours, half of the round trip taken off",
    ),
    isSigned: true,
  },
  m('processes', 'Processes', 'count', 'node', 'Processes on the node'),
  m(
    'oom_kills',
    'OOM kills',
    'count',
    'node',
    'Processes killed for lack of memory since the previous round',
  ),
  m(
    'host_key_mismatch',
    'Host key changed',
    'bool',
    'node',
    '1 while the node shows another host key than the pinned one',
  ),
  m(
    'disk_usage',
    'Disk usage',
    'percent',
    'mount',
    'Used of what an unprivileged user can have (as df says)',
  ),
  m('disk_size', 'Disk size', 'bytes', 'mount', 'Size of the file system'),
  m(
    'inode_usage',
    'Inode usage',
    'percent',
    'mount',
    'Inodes in use; absent where the file system has no fixed number',
  ),
  {
    ...m(
      'disk_read_only',
      'Disk read-only',
      'bool',
      'mount',
      '1 while the kernel has made the file system read-only after an error, 0 while it can be written to',
    ),
    states: ['writable', 'read-only'],
  },
  m('net_rx', 'Network in', 'bytes_per_second', 'interface', 'Bytes received a second'),
  m('net_tx', 'Network out', 'bytes_per_second', 'interface', 'Bytes sent a second'),
  m('disk_read', 'Disk reads', 'bytes_per_second', 'disk', 'Bytes read a second'),
  m('disk_write', 'Disk writes', 'bytes_per_second', 'disk', 'Bytes written a second'),
  m('disk_busy', 'Disk busy', 'percent', 'disk', 'Time the device had I/O in flight'),
  {
    ...m('bastion_up', 'Bastion up', 'bool', 'bastion', '1 if the batch got through the bastion, 0 if not'),
    ...DOWN_UP,
  },
  m(
    'bastion_host_key_mismatch',
    'Bastion host key changed',
    'bool',
    'bastion',
    '1 while the bastion shows another host key than the pinned one',
  ),
  m(
    'label_sets_dropped',
    'Label sets left out',
    'count',
    'check',
    'New label sets of the node beyond what its check lets in an hour (`maxNewLabelSets`)',
  ),
  m('probe_duration', 'Probe duration', 'seconds', 'check', 'From dialling the node to its last byte'),
];

const byName = new Map(METRICS.map((metric) => [metric.name, metric]));

/** The metric of that name, or undefined. */
export function findMetric(name: string): Metric | undefined {
  return byName.get(name);
}
