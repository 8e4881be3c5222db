// Authorities and certificates for tests, with keys of elliptic curves: nothing outside this process makes them.
import { generate } from 'selfsigned';

export interface KeyPair {
  /** PEM. */
  cert: string;
  /** PEM, PKCS#8. */
  key: string;
}

export interface CertificateOptions {
  commonName: string;
  /** Kubernetes reads groups from it. */
  organization?: string;
  /** DNS names and IP addresses of a server. */
  names?: readonly string[];
  /** Default: server and client. */
  use?: 'server' | 'client';
  notBefore?: Date;
  /** Default: a year from now. */
  notAfter?: Date;
}

export interface Authority extends KeyPair {
  issue(options: CertificateOptions): Promise<KeyPair>;
}

const DAY_MS = 86_400_000;
/** A clock that is a little slow accepts the certificate too. */
const BACKDATED_MS = 300_000;
const COMMON = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
const IP = /^[\d.]+$|:/;

export async function createAuthority(commonName: string, years = 10): Promise<Authority> {
  const made = await generate([{ name: 'commonName', value: commonName }], {
    ...COMMON,
    notBeforeDate: new Date(Date.now() - BACKDATED_MS),
    notAfterDate: new Date(Date.now() + years * 365 * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca = { cert: pem(made.cert), key: made.private };
  return { ...ca, issue: (options) => issue(ca, options) };
}

async function issue(ca: KeyPair, options: CertificateOptions): Promise<KeyPair> {
  const { commonName, organization, names = [], use } = options;
  const { notBefore = new Date(Date.now() - BACKDATED_MS), notAfter = new Date(Date.now() + 365 * DAY_MS) } =
    options;
  const subject = [
    ...(organization === undefined ? [] : [{ name: 'organizationName', value: organization }]),
    { name: 'commonName', value: commonName },
  ];
  const made = await generate(subject, {
    ...COMMON,
    ca,
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: use !== 'client', clientAuth: use !== 'server' },
      ...(names.length === 0
        ? []
        : [
            {
              name: 'subjectAltName' as const,
              altNames: names.map((name) =>
                IP.test(name) ? ({ type: 7, ip: name } as const) : ({ type: 2, value: name } as const),
              ),
            },
          ]),
    ],
  });
  return { cert: pem(made.cert), key: made.private };
}

/** A line ends each file of kubeadm, and lets files be joined. */
const pem = (text: string) => `${text.trim()}\n`;
