import { DOWN_UP, type Metric, metricsOf } from './metric.ts';

const USAGE = ['usage'];

/** What `usage` measures, and what the program itself writes for each batch, node or check. */
export const NODE_METRICS: readonly Metric[] = [
  ...metricsOf('node', undefined, [
    [
      'up',
      'Node up',
      'bool',
      '1 if the node let us in and ran the check, 0 if not; absent while its bastion fails',
      DOWN_UP,
    ],
    [
      'host_key_mismatch',
      'Host key changed',
      'bool',
      '1 while the node shows another host key than the pinned one',
    ],
  ]),
  ...metricsOf('node', USAGE, [
    [
      'cpu_usage',
      'CPU usage',
      'percent',
      'Time not idle and not waiting for I/O, of all cores, since the previous round',
    ],
    ['cpu_iowait', 'CPU I/O wait', 'percent', 'Time idle while I/O was outstanding'],
    ['cpu_steal', 'CPU steal', 'percent', 'Time the hypervisor gave to others'],
    [
      'mem_usage',
      'Memory usage',
      'percent',
      '100 × (1 − MemAvailable / MemTotal); before Linux 3.14 MemFree + Buffers + Cached + SReclaimable − Shmem is what is available',
    ],
    ['mem_total', 'Memory', 'bytes', 'MemTotal'],
    ['swap_usage', 'Swap usage', 'percent', 'Swap in use; absent without swap'],
    ['load1', 'Load 1m', 'count', 'Load average over one minute'],
    ['load5', 'Load 5m', 'count', 'Load average over five minutes'],
    ['load15', 'Load 15m', 'count', 'Load average over fifteen minutes'],
    ['load_per_core', 'Load per core', 'ratio', 'Load average over one minute, divided by the cores'],
    ['cores', 'Cores', 'count', 'Processors online'],
    ['psi_cpu', 'CPU pressure', 'percent', 'Time some task waited for cpu (PSI some avg60)'],
    ['psi_mem', 'Memory pressure', 'percent', 'Time some task waited for memory (PSI some avg60)'],
    ['psi_io', 'I/O pressure', 'percent', 'Time some task waited for I/O (PSI some avg60)'],
    ['uptime', 'Uptime', 'seconds', 'Time since boot', { isCounter: true }],
    [
      'clock_offset',
      'Clock offset',
      'seconds',
      "The node's clock minus ours, half of the round trip taken off",
      { isSigned: true },
    ],
    ['processes', 'Processes', 'count', 'Processes on the node'],
    ['oom_kills', 'OOM kills', 'count', 'Processes killed for lack of memory since the previous round'],
  ]),
  ...metricsOf('mount', USAGE, [
    ['disk_usage', 'Disk usage', 'percent', 'Used of what an unprivileged user can have (as df says)'],
    ['disk_size', 'Disk size', 'bytes', 'Size of the file system'],
    [
      'inode_usage',
      'Inode usage',
      'percent',
      'Inodes in use; absent where the file system has no fixed number',
    ],
    [
      'disk_read_only',
      'Disk read-only',
      'bool',
      '1 while the kernel has made the file system read-only after an error, 0 while it can be written to',
      { states: ['writable', 'read-only'] },
    ],
  ]),
  ...metricsOf('interface', USAGE, [
    ['net_rx', 'Network in', 'bytes_per_second', 'Bytes received a second'],
    ['net_tx', 'Network out', 'bytes_per_second', 'Bytes sent a second'],
  ]),
  ...metricsOf('disk', USAGE, [
    ['disk_read', 'Disk reads', 'bytes_per_second', 'Bytes read a second'],
    ['disk_write', 'Disk writes', 'bytes_per_second', 'Bytes written a second'],
    ['disk_busy', 'Disk busy', 'percent', 'Time the device had I/O in flight'],
  ]),
  ...metricsOf('bastion', undefined, [
    ['bastion_up', 'Bastion up', 'bool', '1 if the batch got through the bastion, 0 if not', DOWN_UP],
    [
      'bastion_host_key_mismatch',
      'Bastion host key changed',
      'bool',
      '1 while the bastion shows another host key than the pinned one',
    ],
  ]),
  ...metricsOf('way', undefined, [
    [
      'way_lost',
      'Way lost',
      'bool',
      '1 while the first bastion of the cluster does not reach the node and another one does; absent where none does, or there is one bastion',
    ],
  ]),
  ...metricsOf('check', undefined, [
    [
      'label_sets_dropped',
      'Label sets left out',
      'count',
      'New label sets of the node beyond what its check lets in an hour (`maxNewLabelSets`)',
    ],
    [
      'signature_expiry',
      'Signature of scripts expires',
      'seconds',
      'Time left of the signature that expires first, of those with which scripts of the check ran; absent where the node compares hashes',
    ],
    ['probe_duration', 'Probe duration', 'seconds', 'From dialling the node to its last byte'],
    [
      'probe_success',
      'Check ran',
      'bool',
      '1 if the check could be made, whatever it found; 0 if not, such as for lack of permission. Of `usage` that is `up`',
      { states: ['failed', 'ran'] },
    ],
    [
      'probe_partial',
      'Check saw a part',
      'bool',
      '1 while something that the check asks for was hidden from it or gave no answer: what is missing is then unknown, and alerts on it stay. Absent otherwise',
    ],
  ]),
];
