// By which name and authority a client verifies the API server behind a tunnel.

import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hasName } from '../adapters/probes/tls-connection.ts';
import { readServedChain, type ServedChain } from '../adapters/tunnel/served-chain.ts';
import { ConfigError } from '../core/errors.ts';

/** Names that the certificate of every kube-apiserver has, as the components of its cluster ask for them. */
const CLUSTER_NAMES = ['kubernetes', 'kubernetes.default.svc', 'localhost', '127.0.0.1'];

/** The first of the wanted names that the certificate has, or one of its own; undefined: it has none. */
export function serverNameOf(certificate: X509Certificate, wanted: readonly string[]): string | undefined {
  const own = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,"*\s]+)/g)].map(
    (match) => match[1] ?? '',
  );
  return [...wanted, ...CLUSTER_NAMES, ...own].find((name) => hasName(certificate, name));
}

/**
 * Reads the certificate behind a local port, and the name to verify it by. A server may have a certificate for each name
 * that is asked for, so it is read again with the chosen one. @throws ProbeError, ConfigError
 */
export async function readServed(
  port: number,
  wanted: readonly string[],
): Promise<{ served: ServedChain; name: string }> {
  const first = wanted.find((name) => isIP(name) === 0);
  const served = await readServedChain(port, { servername: first });
  const name = serverNameOf(served.certificate, wanted);
  const none = `its certificate (${served.certificate.subject}) has no name to verify it by`;
  if (name === undefined) throw new ConfigError(none);
  const servername = isIP(name) === 0 ? name : undefined;
  if (servername === first) return { served, name };
  const again = await readServedChain(port, { servername });
  if (!hasName(again.certificate, name)) throw new ConfigError(none);
  return { served: again, name };
}

/** Why the server behind the port is none of this authority's, as OpenSSL's error code; undefined: it is. */
export async function chainErrorOf(port: number, name: string, ca: string): Promise<string | undefined> {
  const servername = isIP(name) === 0 ? name : undefined;
  return (await readServedChain(port, { servername, ca })).chainError;
}

/** Whether the certificate signed the last one of the chain. */
export function signs(authority: X509Certificate, chain: readonly X509Certificate[]): boolean {
  const last = chain.at(-1);
  return last?.checkIssued(authority) === true && authority.ca && last.verify(authority.publicKey);
}

/** The certificates of a text, and nothing else that it has, such as a key. */
export function certificatesIn(pem: string): string {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((one) => `${one}\n`).join('');
}

export function fingerprintText({ fingerprint256 }: X509Certificate): string {
  return `SHA-256 ${fingerprint256}`;
}
