// The authority of an API server: given, of the configuration, from the node's own files, or the served certificate itself.

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { SignatureSource } from '../adapters/signatures/signature-source.ts';
import { ProbeError } from '../adapters/ssh/failure.ts';
import { readNodeCertificates } from '../adapters/tunnel/node-certificates.ts';
import type { NodeLogin } from '../adapters/tunnel/route.ts';
import type { ServedChain } from '../adapters/tunnel/served-chain.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Check } from '../core/model/check.ts';
import type { Secrets } from '../core/ports.ts';
import { isSelected } from '../core/selection.ts';
import { certificatesIn, chainErrorOf, fingerprintText, signs } from './api-certificate.ts';
import { unreadable } from './config-file.ts';

export interface Authority {
  pem: string;
  /** Where it is from, for people. */
  source: string;
}

export interface AuthorityOptions {
  localPort: number;
  served: ServedChain;
  name: string;
  /** The file given with `--ca`. */
  file: string | undefined;
  /** Trust the certificate that is served now. */
  pin: boolean;
  /** The `ca` of a check. */
  configured: string | undefined;
  checks: readonly Check[];
  secrets: Secrets;
  login: NodeLogin & { signatures: SignatureSource | undefined };
}

/** @throws ConfigError that says how to name an authority; ProbeError when the API server does not answer */
export async function findAuthority(options: AuthorityOptions): Promise<Authority> {
  const { file, pin, configured, secrets, served, localPort, name } = options;
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new ConfigError(`${file}: ${unreadable(cause)}`, { cause });
    });
    return verified({ pem: certificatesIn(text), source: file }, localPort, name);
  }
  if (pin) {
    const { certificate } = served;
    const source = `the certificate that it serves now, until ${certificate.validTo}: ${fingerprintText(certificate)}`;
    return { pem: certificate.toString(), source };
  }
  if (configured !== undefined) {
    const pem = certificatesIn(await secrets.resolve(configured));
    return verified({ pem, source: '`ca` of a check' }, localPort, name);
  }
  return fromNode(options);
}

async function verified(authority: Authority, localPort: number, name: string): Promise<Authority> {
  const { pem, source } = authority;
  if (pem === '') throw new ConfigError(`${source} holds no certificate (PEM)`);
  const error = await chainErrorOf(localPort, name, pem);
  if (error === undefined) return authority;
  throw new ConfigError(`the certificate of the API server does not lead to ${source} (${error})`);
}

/** The one among the node's certificates that signed what is served. The login checks the host keys of both hops. */
async function fromNode({ login, checks, served, localPort, name }: AuthorityOptions): Promise<Authority> {
  const { cluster, node, role } = login.target;
  const check = checks.find(
    ({ probe, where, whereNot }) =>
      probe === 'pki' && isSelected({ where, ...(whereNot && { whereNot }) }, { cluster, node, role }),
  );
  const seen = await readNodeCertificates(login, check?.options ?? {}).catch((error: unknown) => {
    if (!(error instanceof ProbeError || error instanceof ConfigError)) throw error;
    return `its files cannot be read: ${describeError(error)}`;
  });
  for (const { file, base64 } of typeof seen === 'string' ? [] : seen) {
    const authority = parse(base64);
    if (!authority || !signs(authority, served.chain)) continue;
    const found = { pem: authority.toString(), source: `${file} of ${cluster}/${node}` };
    return verified(found, localPort, name);
  }
  const missing = typeof seen === 'string' ? seen : 'none of its files is that authority';
  const { certificate } = served;
  throw new ConfigError(
    `the authority of the API server is unknown: no check of it has \`ca\`, and on ${cluster}/${node} ${missing}. ` +
      'Give the file with --ca, or compare the fingerprint of the certificate that it serves with that on the node ' +
      `(openssl x509 -noout -fingerprint -sha256), and trust it with --pin: ${fingerprintText(certificate)}`,
  );
}

function parse(base64: string): X509Certificate | undefined {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}
