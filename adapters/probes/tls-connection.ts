import { constants, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { type ProbeError, probeError, seconds } from '../ssh/failure.ts';
import type { Tunnel } from '../ssh/tunnel.ts';
import { authoritiesIn } from './credentials.ts';

export interface TlsOptions {
  /** Sent as SNI, and the name that the certificate must have. Absent: no SNI (an IP address has none). */
  servername?: string;
  /** PEM of the authorities that are trusted. Absent: whether the chain is right is unknown. */
  ca?: string;
  /** PEM of a client certificate and its key. */
  cert?: string;
  key?: string;
  /**
   * Refuse a server whose chain or name is wrong before a request is sent, for those with a credential. Needs `ca`. With TLS 1.2
   * the server has seen our certificate by then, and that we have its key: OpenSSL shows it in the handshake.
   */
  mustVerify?: boolean;
  /** Name or address that the certificate must have, with `mustVerify`. Default: `servername`. */
  name?: string;
}

/** What a server showed in its handshake. */
export interface TlsFacts {
  /** The served chain, the server's own certificate first. */
  chain: readonly X509Certificate[];
  protocol: string;
  /** Why the chain does not lead to `ca`, as OpenSSL's error code; undefined: it does, or there is no `ca`. */
  chainError: string | undefined;
}

/**
 * Key exchange, certificates, names of the authorities that may sign ours (those of all public ones are 15 KB) and session tickets.
 * OpenSSL verifies each certificate of a chain in one turn of the event loop, whatever we trust: one with an RSA exponent as
 * long as its modulus has 1.4 KB and takes 5 ms of CPU, and OpenSSL itself would accept 100 KB.
 */
const HANDSHAKE_BYTES = 24 * 1024;
/** Longer chains are cut: what follows is not the server's. */
const MOST_CERTIFICATES = 10;

/**
 * Without finite-field Diffie-Hellman: servers choose its prime, and one of 8,192 bits costs a tenth of a second of CPU.
 * These are the suites of Go's crypto/tls, which Kubernetes and etcd are built with (https://pkg.go.dev/crypto/tls).
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
].join(':');

/**
 * Makes a TLS handshake in a tunnel. A wrong certificate is a fact, and no error unless `mustVerify`.
 * @param onChain called with the served chain as soon as it is known, also where the server ends the handshake after it
 * @throws ProbeError
 */
export async function connectTls(
  tunnel: Tunnel,
  options: TlsOptions,
  deadlineMs: number,
  onChain?: (chain: TlsFacts['chain']) => void,
): Promise<{ socket: TLSSocket; facts: TlsFacts }> {
  const { servername, ca, mustVerify = false, name = servername } = options;
  const { promise, resolve, reject } = Promise.withResolvers<{ socket: TLSSocket; facts: TlsFacts }>();
  tunnel.allow(HANDSHAKE_BYTES);
  const socket = startTls(tunnel, options);
  if (onChain) {
    // OpenSSL has the chain when it derives the first keys. With TLS 1.2 a server that misses our certificate goes no further.
    const show = () => {
      const chain = chainOf(socket);
      if (chain.length === 0) return;
      socket.off('keylog', show);
      onChain(chain);
    };
    socket.on('keylog', show);
  }
  const fail = (error: ProbeError) => {
    clearTimeout(timer);
    reject(error);
    socket.destroy();
  };
  const timer = setTimeout(
    () => fail(probeError('timeout', 'tls', `no TLS session within ${seconds(deadlineMs)}`)),
    deadlineMs,
  );
  // Never removed: what comes after the handshake is an event of the request, too.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    fail(tunnel.isCut() ? tooMuch() : explain(error));
  });
  socket.once('close', () =>
    fail(
      tunnel.isCut()
        ? tooMuch()
        : probeError('protocol', 'tls', 'closed the connection in the TLS handshake'),
    ),
  );
  socket.once('secureConnect', () => {
    const facts = factsOf(socket, ca !== undefined);
    const wrong = mustVerify ? whyUntrusted(facts, ca, name) : undefined;
    if (wrong !== undefined) {
      fail(probeError('auth', 'tls', `its certificate is not trusted (${wrong}), so no request is sent`));
      return;
    }
    clearTimeout(timer);
    resolve({ socket, facts });
  });
  return promise;
}

function tooMuch(): ProbeError {
  const limit = `more than ${HANDSHAKE_BYTES / 1024} KiB before the TLS session`;
  return probeError('output', 'tls', `cut off: ${limit}, which are too many certificates or no TLS`);
}

/** @throws ProbeError for a certificate or key of ours that cannot be used */
function startTls({ stream }: Tunnel, { servername, ca, cert, key }: TlsOptions): TLSSocket {
  try {
    return tls.connect({
      socket: stream as Duplex,
      ...(servername !== undefined && { servername }),
      ...(ca !== undefined && { ca: authoritiesIn(ca) }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ciphers: CIPHERS,
      ecdhCurve: 'X25519:P-256:P-384:P-521',
      minVersion: 'TLSv1.2',
      // With TLS 1.2 a server could ask for handshake after handshake.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      ALPNProtocols: ['http/1.1'],
      // What is wrong with a certificate is what we came to see.
      rejectUnauthorized: false,
      // Whether the name is right is another question than whether the chain is.
      checkServerIdentity: () => undefined,
    });
  } catch (cause) {
    stream.destroy();
    // OpenSSL's text has no part of a key, but it names neither what is wrong.
    const what = cert === undefined ? '`ca` holds' : '`ca`, client certificate or key: one holds';
    throw probeError('config', 'tls', `${what} nothing that can be used: PEM is expected`, { cause });
  }
}

/** Why no credential may be sent; undefined: the server is the right one. */
function whyUntrusted(facts: TlsFacts, ca: string | undefined, name: string | undefined): string | undefined {
  if (ca === undefined) return 'there is no `ca` to check it by';
  if (name === undefined) return 'there is no name to check it by';
  return facts.chainError ?? nameError(facts, name);
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let shown = socket.getPeerCertificate(true);
  while (shown?.raw && chain.length < MOST_CERTIFICATES) {
    chain.push(new X509Certificate(shown.raw));
    // The issuer of a root is the root itself.
    if (shown.issuerCertificate === shown) break;
    shown = shown.issuerCertificate;
  }
  return chain;
}

function factsOf(socket: TLSSocket, isChecked: boolean): TlsFacts {
  const error = socket.authorizationError as unknown;
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : error;
  return {
    chain: chainOf(socket),
    protocol: socket.getProtocol() ?? 'unknown',
    chainError: isChecked && !socket.authorized && code ? String(code) : undefined,
  };
}

/** Why the certificate is not one for this name; undefined: it is. */
export function nameError(
  { chain: [own] }: Pick<TlsFacts, 'chain'>,
  name: string | undefined,
): string | undefined {
  if (own === undefined) return 'it shows no certificate';
  if (name === undefined) return undefined;
  return hasName(own, name) ? undefined : `it is not for ${name}`;
}

/**
 * Whether a certificate is for a host, as Go's clients see it (https://pkg.go.dev/crypto/x509#Certificate.VerifyHostname): a
 * common name counts for nothing, and a wildcard stands for a whole label.
 */
export function hasName(certificate: X509Certificate, name: string): boolean {
  const matches =
    isIP(name) === 0
      ? certificate.checkHost(name, { subject: 'never', partialWildcards: false })
      : certificate.checkIP(name);
  return matches !== undefined;
}

function explain(error: NodeJS.ErrnoException): ProbeError {
  const { code = '', message } = error;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || /wrong version number|packet length/i.test(message)) {
    return probeError('protocol', 'tls', 'does not speak TLS', { cause: error });
  }
  if (code === 'ECONNRESET')
    return probeError('protocol', 'tls', 'closed the connection in the TLS handshake', { cause: error });
  const why = /alert ([a-z ]+)/i.exec(message)?.[1]?.trim();
  const detail = why ? `refused the TLS handshake: ${why}` : `the TLS handshake failed: ${code || message}`;
  return probeError('protocol', 'tls', detail, { cause: error });
}
