import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connectTls } from '../probes/tls-connection.ts';
import { probeError } from '../ssh/failure.ts';
import { LOOPBACK } from './local-listener.ts';

export interface ServedChain {
  /** The server's own certificate. */
  certificate: X509Certificate;
  /** It and those that it sent beside it, in its order. */
  chain: readonly X509Certificate[];
  /** Why the chain does not lead to the given authorities, as OpenSSL's error code; undefined: it does, or none are given. */
  chainError: string | undefined;
}

const DEADLINE_MS = 15_000;

/**
 * Makes a TLS handshake with the service behind a port of this machine, and sends nothing.
 * @param servername asked for (SNI); an address cannot be
 * @param ca PEM of authorities
 * @throws ProbeError
 */
export async function readServedChain(
  port: number,
  { servername, ca }: { servername?: string | undefined; ca?: string | undefined },
): Promise<ServedChain> {
  const socket = connect({ port, host: LOOPBACK });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (cause) {
    socket.destroy();
    throw probeError('unreachable', 'connect', `nothing listens on ${LOOPBACK}:${port}`, { cause });
  }
  // The tunnel bounds nothing, and a handshake is bounded by OpenSSL.
  const tunnel = { stream: socket, allow: () => {}, isCut: () => false };
  const tls = { ...(servername !== undefined && { servername }), ...(ca !== undefined && { ca }) };
  const connected = await connectTls(tunnel, tls, DEADLINE_MS).finally(() => socket.destroySoon());
  const { facts } = connected;
  connected.socket.destroy();
  const [certificate] = facts.chain;
  if (!certificate) throw probeError('protocol', 'tls', 'the server sent no certificate');
  return { certificate, chain: facts.chain, chainError: facts.chainError };
}
