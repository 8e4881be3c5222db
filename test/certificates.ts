// Certificates for tests, with keys of elliptic curves: authorities, and what they sign.
import { isIP } from 'node:net';
import { generate } from 'selfsigned';

/** PEM; the key in PKCS#8. */
export interface Certificate {
  cert: string;
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
  /** Default: an hour ago, as a clock may be a little slow. */
  notBefore?: Date;
  /** Default: a year from now. */
  notAfter?: Date;
}

export interface Authority extends Certificate {
  issue(options: CertificateOptions): Promise<Certificate>;
}

const DAY_MS = 86_400_000;
const BACKDATED_MS = 3_600_000;
const COMMON = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

/** A new authority. */
export async function makeAuthority(
  name = 'kubernetes',
  until = new Date(Date.now() + 3_650 * DAY_MS),
): Promise<Authority> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...COMMON,
    notBeforeDate: new Date(Date.now() - BACKDATED_MS),
    notAfterDate: until,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca = { cert: pem(made.cert), key: made.private };
  return { ...ca, issue: (options) => issue(ca, options) };
}

/** A certificate for these names and addresses. Without `authority` it is self-signed. */
export function makeCertificate(
  names: readonly string[],
  options: { authority?: Certificate; from?: Date; until?: Date; commonName?: string } = {},
): Promise<Certificate> {
  const { authority, from, until, commonName = 'server' } = options;
  const times = { ...(from && { notBefore: from }), ...(until && { notAfter: until }) };
  return issue(authority, { commonName, names, ...times });
}

async function issue(ca: Certificate | undefined, options: CertificateOptions): Promise<Certificate> {
  const { commonName, organization, names = [], use } = options;
  const { notBefore = new Date(Date.now() - BACKDATED_MS), notAfter = new Date(Date.now() + 365 * DAY_MS) } =
    options;
  const subject = [
    ...(organization === undefined ? [] : [{ name: 'organizationName', value: organization }]),
    { name: 'commonName', value: commonName },
  ];
  const altNames = names.map((name) =>
    isIP(name) ? ({ type: 7, ip: name } as const) : ({ type: 2, value: name } as const),
  );
  const made = await generate(subject, {
    ...COMMON,
    ...(ca && { ca: { cert: ca.cert, key: ca.key } }),
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: use !== 'client', clientAuth: use !== 'server' },
      ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName' as const, altNames }]),
    ],
  });
  return { cert: pem(made.cert), key: made.private };
}

/** A line ends each file of kubeadm, and lets files be joined. */
const pem = (text: string) => `${text.trim()}\n`;
