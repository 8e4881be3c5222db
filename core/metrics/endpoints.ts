import { type Metric, metricsOf } from './metric.ts';

/** What checks of any service measure, and values that a check takes from an answer. */
export const ENDPOINT_METRICS: readonly Metric[] = [
  ...metricsOf(
    'endpoint',
    ['http'],
    [
      [
        'http_up',
        'HTTP as expected',
        'bool',
        '1 if the answer is what the check expects, 0 if not',
        { states: ['failing', 'ok'] },
      ],
      ['http_status', 'HTTP status', 'count', 'Status of the answer; absent without one'],
      ['http_duration', 'HTTP duration', 'seconds', 'From dialling to the last byte of the answer'],
    ],
  ),
  ...metricsOf(
    'endpoint',
    ['tcp'],
    [
      [
        'tcp_up',
        'TCP port open',
        'bool',
        '1 if a connection was accepted, 0 if not',
        { states: ['closed', 'open'] },
      ],
      ['tcp_duration', 'TCP connection', 'seconds', 'Until the connection was accepted'],
    ],
  ),
  ...metricsOf(
    'endpoint',
    ['hostkey'],
    [
      [
        'hostkey_up',
        'SSH answers',
        'bool',
        '1 if the SSH server of the node exchanged keys with us, 0 if not',
        { states: ['silent', 'answers'] },
      ],
      [
        'hostkey_ok',
        'Host key as pinned',
        'bool',
        '1 if the node proved that it has a pinned host key, 0 if it showed another; absent while it shows none',
        { states: ['changed', 'as pinned'] },
      ],
      ['hostkey_duration', 'Key exchange', 'seconds', 'From dialling to the end of the key exchange'],
    ],
  ),
  ...metricsOf(
    'endpoint',
    ['command'],
    [
      [
        'command_ok',
        'Command as expected',
        'bool',
        '1 if a script of the catalogue ended with an expected exit code, 0 if with another',
        { states: ['failing', 'ok'] },
      ],
      [
        'command_exit',
        'Exit code',
        'count',
        'Exit code of the script; 124 or 137 where `timeout` of the node ended it',
      ],
    ],
  ),
  ...metricsOf(
    'value',
    ['http', 'prometheus', 'command'],
    [
      [
        'check_value',
        'Value of a check',
        'count',
        'A number that the check takes from an answer, series or output; label `name` is what the check calls it',
        { isSigned: true },
      ],
    ],
  ),
];
