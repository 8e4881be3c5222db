import { DOWN_UP, type Metric, metricsOf } from './metric.ts';

const READY = { states: ['not ready', 'ready'] } as const;
const HEALTHY = { states: ['unhealthy', 'healthy'] } as const;

const APISERVER: readonly Metric[] = [
  ...metricsOf(
    'apiserver',
    ['apiserver'],
    [
      [
        'apiserver_up',
        'API server up',
        'bool',
        '1 if it answers, whatever it answers; 0 if nothing does',
        { states: ['no answer', 'answers'] },
      ],
      [
        'apiserver_ready',
        'API server ready',
        'bool',
        '1 if /readyz says ok, 0 if not, or if it gives no answer while the server does elsewhere; absent where it does not tell us (401, 403)',
        READY,
      ],
      [
        'apiserver_live',
        'API server live',
        'bool',
        '1 if /livez says ok, or /readyz does; 0 if not; absent where it does not tell us',
        { states: ['not live', 'live'] },
      ],
      [
        'apiserver_live_without_etcd',
        'API server live apart from etcd',
        'bool',
        '/livez?exclude=etcd, asked when /livez is not ok or /readyz gives no answer: 1 means that etcd is what fails, not the process',
        { states: ['not live', 'live'] },
      ],
      [
        'apiserver_detail',
        'API server tells its state',
        'bool',
        '0 where /readyz answers 401 or 403: it is alive, and more is unknown',
        { states: ['hidden', 'shown'] },
      ],
      ['apiserver_version', 'API server version', 'version', 'From /version, asked once an hour'],
    ],
  ),
  ...metricsOf(
    'health_check',
    ['apiserver'],
    [
      [
        'apiserver_check',
        'Health check of the API server',
        'bool',
        'A check that /readyz?verbose names: 0 while it fails; 1 for an hour after, then absent like those that never failed',
        { states: ['failing', 'ok'] },
      ],
    ],
  ),
  ...metricsOf(
    'phase',
    ['apiserver'],
    [
      [
        'apiserver_phase_duration',
        'API server latency',
        'seconds',
        'Of the request to /readyz, by phase: `dial` and `tls` when the connection is new, `response`',
      ],
    ],
  ),
];

const ETCD: readonly Metric[] = [
  ...metricsOf(
    'etcd',
    ['etcd'],
    [
      ['etcd_up', 'etcd up', 'bool', '1 if its metrics port answers, 0 if not', DOWN_UP],
      ['etcd_healthy', 'etcd healthy', 'bool', 'What /health says; `etcd_check` names the reason', HEALTHY],
      ['etcd_has_leader', 'etcd has a leader', 'bool', 'Whether this member sees a leader'],
      [
        'etcd_leader_changes',
        'etcd leader changes',
        'count',
        'Leaders seen by this member since it started',
        { isCounter: true },
      ],
      [
        'etcd_proposals_failed',
        'etcd failed proposals',
        'count',
        'Since this member started',
        { isCounter: true },
      ],
      ['etcd_db_size', 'etcd database', 'bytes', 'Size of the database file, what is free inside included'],
      ['etcd_db_in_use', 'etcd database in use', 'bytes', 'Size of what a defragmentation would keep'],
      ['etcd_quota', 'etcd quota', 'bytes', 'Size at which etcd refuses writes (`quota-backend-bytes`)'],
      ['etcd_db_usage', 'etcd quota used', 'percent', 'Database size of the quota'],
      [
        'etcd_fragmentation',
        'etcd fragmentation',
        'percent',
        'Share of the database file that is free inside',
      ],
      [
        'etcd_reclaimable',
        'etcd reclaimable quota',
        'percent',
        'What a defragmentation would give back, of the quota',
      ],
      ['etcd_fsync_p99', 'etcd fsync p99', 'seconds', '99th percentile of WAL fsync over about five minutes'],
      [
        'etcd_commit_p99',
        'etcd commit p99',
        'seconds',
        '99th percentile of backend commits over about five minutes',
      ],
      ['etcd_members', 'etcd members', 'count', 'Members that this member knows, itself included'],
      [
        'etcd_members_active',
        'etcd members connected',
        'count',
        'Members that this member is connected to, itself included',
      ],
      ['etcd_version', 'etcd version', 'version', 'Version of the server'],
    ],
  ),
  ...metricsOf(
    'health_check',
    ['etcd'],
    [
      [
        'etcd_check',
        'Health check of etcd',
        'bool',
        'Why /health says no: `NOSPACE`, `CORRUPT`, `leader`, `read`, or `health` without a reason; 0 while it is so, 1 for an hour after',
        { states: ['failing', 'ok'] },
      ],
    ],
  ),
  ...metricsOf(
    'file',
    ['etcd'],
    [
      [
        'etcd_backup_age',
        'etcd backup age',
        'seconds',
        'Age of the newest file that matches; label `file` is the pattern. Without a file it counts from the last one, or from the first check',
      ],
    ],
  ),
];

const COMPONENTS: readonly Metric[] = [
  ...metricsOf(
    'component',
    ['kubelet'],
    [['kubelet_healthy', 'kubelet healthy', 'bool', '/healthz on 10248', HEALTHY]],
  ),
  ...metricsOf(
    'component',
    ['scheduler'],
    [['scheduler_healthy', 'Scheduler healthy', 'bool', '/healthz on 10259', HEALTHY]],
  ),
  ...metricsOf(
    'component',
    ['controller-manager'],
    [['controller_manager_healthy', 'Controller manager healthy', 'bool', '/healthz on 10257', HEALTHY]],
  ),
  ...metricsOf(
    'component',
    ['konnectivity'],
    [
      [
        'konnectivity_ready',
        'Way to the workers',
        'bool',
        '/readyz on 8134, which fails without an agent',
        READY,
      ],
    ],
  ),
];

/** What checks of the parts of a control plane measure. */
export const CONTROL_PLANE_METRICS: readonly Metric[] = [...APISERVER, ...ETCD, ...COMPONENTS];
