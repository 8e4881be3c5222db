// Certificates for tests: an authority, and the certificates that it signs.
import { isIP } from 'node:net';
import { generate } from 'selfsigned';

/** PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

const DAY_MS = 86_400_000;

/** A new authority. */
export async function makeAuthority(
  name = 'kubernetes',
  until = new Date(Date.now() + 3_650 * DAY_MS),
): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: until,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/**
 * A certificate for these names and addresses. Without `authority` it is self-signed. By default it is valid from an
 * hour ago for a year.
 */
export async function makeCertificate(
  names: readonly string[],
  options: { authority?: Certificate; from?: Date; until?: Date; commonName?: string } = {},
): Promise<Certificate> {
  const { authority, commonName = 'server' } = options;
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: options.from ?? new Date(Date.now() - 3_600_000),
    notAfterDate: options.until ?? new Date(Date.now() + 365 * DAY_MS),
    extensions: [
      {
        name: 'subjectAltName',
        altNames: names.map((name) =>
          isIP(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
        ),
      },
    ],
    ...(authority && { ca: { cert: authority.cert, key: authority.key } }),
  });
  return { cert: made.cert, key: made.private };
}
