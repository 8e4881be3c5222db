// What the program says about the process and its files, and messages between functions; joined in core/own-metrics.ts.

import { counter, gauge, histogram, type OwnMetric, SECONDS_OF_A_QUERY } from './own-metric.ts';

export const PROGRAM_METRICS = {
  health_faults: gauge('up', ['code'], '1 while the fault holds, see docs/runbook.md'),
  housekeeping_failures_total: counter('up', [], 'Runs of retention and roll-up that failed'),
  data_disk_free_bytes: gauge('up', [], 'Room that is left on the disk of the data folder'),
  data_disk_size_bytes: gauge('up', [], 'Size of the disk of the data folder'),
  store_file_bytes: gauge('up', [], 'Size of the file of samples, without the log of the database'),
  store_used_bytes: gauge('up', [], 'Part of that file which is in use; new samples go into the rest first'),
  store_rows_cut_total: counter(
    'up',
    [],
    'Rows of the store removed before their retention, for lack of room',
  ),
  state_write_failures_total: counter('up', [], 'Writes of state that failed'),
  audit_write_failures_total: counter('up', [], 'Failed writes of the audit; they are tried again'),
  audit_lines_lost_total: counter(
    'up',
    [],
    'Lines of the audit that are lost, because too many waited for a disk that rejects writes',
  ),
  audit_lines_removed_total: counter('up', [], 'Lines of the audit that were removed after their retention'),
  audit_syslog_lines_total: counter(
    'up',
    [],
    'Lines of the audit that were sent to the syslog server, repeated ones included',
  ),
  audit_syslog_failures_total: counter('up', [], 'Connections to the syslog server that failed or ended'),
  audit_syslog_lost_total: counter(
    'up',
    [],
    'Lines of the audit that were removed before the syslog server took them',
  ),
  audit_syslog_waiting: gauge(
    'up',
    [],
    'Lines of the audit of `up` that the syslog server has not taken yet',
  ),
  damaged_reads_total: counter('up', ['database'], 'Reads that met a damaged database'),
  databases_set_aside_total: counter(
    'up',
    ['database'],
    'Damaged databases that were put aside at the start',
  ),
  log_lines_lost: gauge('up', [], 'Lines of the log since the start that could not be written'),
  log_lines_left_out_total: counter('up', [], 'Repeated warnings and errors beyond twenty a minute'),
  server_requests_refused_total: counter(
    'up',
    ['why'],
    'Requests that the server refused: `host`, `body`, `expectation`, `unread`, `connections`, `metrics`, and those to history by `method`, `origin`, `encoding`, `rate`',
  ),
  history_requests_total: counter(
    'both',
    ['interface', 'code'],
    'Requests to history that were answered, by the interface (`prometheus`, `alertmanager`, `bartizan`) and the status of HTTP',
  ),
  history_request_seconds: histogram(
    ['interface'],
    SECONDS_OF_A_QUERY,
    'Time from a request to history to the end of its answer',
  ),
  history_process_starts_total: counter(
    'up',
    [],
    'Starts of the process that answers queries, which ends when it is idle',
  ),
  history_process_failures_total: counter(
    'up',
    [],
    'Ends of that process by an error, for lack of memory, or because a query held it up',
  ),
  messages_retried_total: counter('functions', [], 'Messages between functions that failed and come again'),
  messages_dead_total: counter('functions', [], 'Messages between functions that failed for good'),
  messages_put_off_total: counter('functions', [], 'Messages left for the next call for lack of time'),
  failing_message_age_seconds: gauge('functions', [], 'Age of the message that a function fails with'),
} as const satisfies Record<string, OwnMetric>;
