// What the program says about rounds, and about what they probe; joined in core/own-metrics.ts.

import {
  counter,
  gauge,
  histogram,
  type OwnMetric,
  SECONDS_OF_A_PROBE,
  SECONDS_OF_A_ROUND,
} from './own-metric.ts';

export const ROUND_METRICS = {
  rounds_total: counter('both', [], 'Rounds whose due nodes were seen, or whose bastion was seen to be lost'),
  rounds_planned_total: counter('functions', [], 'Rounds that plan has started'),
  rounds_skipped_total: counter('up', [], 'Rounds left out because an earlier one was still running'),
  rounds_failed_total: counter('up', [], 'Rounds that ended with an error'),
  rounds_not_due_total: counter('functions', [], 'Starts of plan that no round was due for'),
  rounds_unconfigured_total: counter(
    'functions',
    [],
    'Rounds that could not start for lack of a valid configuration',
  ),
  rounds_overdue: gauge('functions', [], 'Rounds that should have ended by now and have not'),
  rounds_unseen: gauge('functions', [], 'Rounds for which no node has been seen'),
  round_duration_seconds: gauge('up', [], 'How long the last round took'),
  round_elapsed_seconds: histogram(
    [],
    SECONDS_OF_A_ROUND,
    'How long rounds took, of those in which every due node was seen',
  ),
  round_scheduled_timestamp_seconds: gauge(
    'up',
    [],
    'Scheduled time of the last round that ended, since 1970',
  ),
  leader: gauge('up', [], '1 while this process leads, 0 while it stands by; only with shared state'),
  leader_term: gauge('up', [], 'Number of this leader: it grows with each process that takes the lead'),
  standbys: gauge('up', [], 'Processes that would take the lead over from this one'),
  clock_set_back_total: counter('up', [], 'Times the clock was found behind the last round'),
  targets: gauge('up', [], 'Nodes in the last round'),
  nodes_seen_total: counter('both', [], 'Nodes of which a check succeeded and the store took the samples'),
  nodes_absent: gauge(
    'both',
    [],
    'Nodes that were due in the last rounds and neither seen nor known to be lost',
  ),

  batches_expired_total: counter('both', ['bastion'], 'Batches dropped because their next round was due'),
  batches_failed_total: counter('both', ['bastion'], 'Batches that could not be probed or sent'),
  batches_lost_total: counter('up', [], 'Batches given up because too many waited for the store'),
  bastion_failures_total: counter(
    'both',
    ['bastion', 'reason'],
    'Batches whose bastion was not reached; its nodes are unknown then',
  ),
  observations_total: counter('both', ['outcome'], 'Results of checks on nodes'),
  observations_too_large_total: counter(
    'functions',
    ['check'],
    'Checks that saw more of a node than a message between functions holds (1 MiB, 200 KiB packed); they fail with the reason `output`',
  ),
  node_probe_duration_seconds: histogram(
    ['outcome'],
    SECONDS_OF_A_PROBE,
    'How long checks on nodes took, with the login where one was needed',
  ),
  label_sets_dropped_total: counter(
    'both',
    ['check'],
    'New mounts, interfaces and disks of nodes that brought too many in an hour (`maxNewLabelSets`)',
  ),
  ssh_sessions_opened_total: counter('both', ['hop'], 'SSH sessions opened to bastions and nodes'),
  ssh_sessions_reused_total: counter('both', ['hop'], 'SSH sessions used again'),
  ssh_penalties_total: counter(
    'both',
    ['hop'],
    'Logins that a node\'s sshd refused for a while ("Not allowed at this time"); `up` of the node is unknown for ten minutes',
  ),
  ssh_door_checks_total: counter(
    'both',
    ['outcome'],
    'With `sessions.door: on`: connections that asked whether sshd answers',
  ),
} as const satisfies Record<string, OwnMetric>;
