import { DOWN_UP, type Metric, metricsOf } from './metric.ts';

const DUE =
  'Time until it expires, for rules; 30 days within its last 30 days while more than a fifth of its lifetime is left (of the kubelet’s own: a tenth), as nobody renews a short-lived certificate earlier';

const BEGINS = 'Time until it is valid, by our clock; below zero: since when it has been';

/** What checks of certificates measure: in files, and served. */
export const CERTIFICATE_METRICS: readonly Metric[] = [
  ...metricsOf(
    'file',
    ['pki'],
    [
      [
        'cert_expiry',
        'Certificate file expiry',
        'seconds',
        'Time until a certificate in a file expires; below zero: since when it has expired',
        { isSigned: true },
      ],
      ['cert_lifetime', 'Certificate file lifetime', 'seconds', 'From the start of its validity to its end'],
      [
        'cert_remaining',
        'Certificate file life left',
        'percent',
        'Time until it expires of its lifetime; 0 when expired, over 100 before it is valid',
      ],
      ['cert_due', 'Certificate file due', 'seconds', DUE, { isSigned: true }],
      ['cert_begins', 'Certificate file begins', 'seconds', BEGINS, { isSigned: true }],
    ],
  ),
  ...metricsOf(
    'component',
    ['pki'],
    [
      [
        'pki_unreadable',
        'Unreadable PKI files',
        'count',
        'Files that our user cannot read; the note of the check names them',
      ],
    ],
  ),
  ...metricsOf(
    'served',
    ['tls'],
    [
      [
        'tls_up',
        'TLS up',
        'bool',
        '1 if a TLS handshake succeeded, whatever the certificate; 0 if not',
        DOWN_UP,
      ],
      [
        'tls_cert_expiry',
        'Served certificate expiry',
        'seconds',
        'Time until the first certificate of the served chain to expire does; below zero: since when',
        { isSigned: true },
      ],
      ['tls_cert_lifetime', 'Served certificate lifetime', 'seconds', 'Of that certificate'],
      [
        'tls_cert_remaining',
        'Served certificate life left',
        'percent',
        'Time until it expires of its lifetime; 0 when expired, over 100 before it is valid',
      ],
      ['tls_cert_due', 'Served certificate due', 'seconds', DUE, { isSigned: true }],
      [
        'tls_cert_begins',
        'Served chain begins',
        'seconds',
        `${BEGINS}. Of a chain the last of its certificates to begin`,
        { isSigned: true },
      ],
      [
        'tls_name_ok',
        'Served name right',
        'bool',
        'Whether the certificate is for the names that the check expects',
        { states: ['wrong', 'right'] },
      ],
      [
        'tls_chain_ok',
        'Served chain right',
        'bool',
        'Whether the chain leads to the configured CA; absent without one',
        { states: ['wrong', 'right'] },
      ],
    ],
  ),
];
