import type { Reading } from '../../../core/parse/reading.ts';
import type { ProbeDescriptor } from '../../../core/registry.ts';
import { ProbeError } from '../../ssh/failure.ts';
import type { Finding, NodeHandle, Probe } from '../probe.ts';
import { probeOfService, reading, serverNameOf, serviceFailure, silenceOf } from '../service-probe.ts';
import { connectTls, type TlsFacts } from '../tls-connection.ts';
import { optionsSchema, portsOf, type TlsProbeOptions } from './options.ts';
import { describeServed, type Shown } from './served.ts';

const service = probeOfService<TlsProbeOptions>({
  type: 'tls',
  title: 'Served certificates: expiry, lifetime, names and chain, by the handshake alone',
  options: optionsSchema,
  endpoints: (options) =>
    portsOf(options).map((port) => ({ via: options.via, port, optional: options.ports === undefined })),
  observe,
});

/** Reads the certificates that ports serve, by the handshake alone: no client certificate is needed, and no request is sent. */
export const tls: ProbeDescriptor & Probe = {
  ...service,
  separateBy: (options) => portsOf(options as TlsProbeOptions).map(String),
};

/** What happened at one port. `failure`: no handshake; `refusal`: the check could not be made there. */
interface Visit {
  port: number;
  shown?: Shown;
  failure?: ProbeError;
  refusal?: ProbeError;
}

async function observe(node: NodeHandle, { options }: { options: TlsProbeOptions }): Promise<Finding> {
  const visits = await visitAll(node, options);
  const refusals = visits.flatMap(({ refusal }) => refusal ?? []);
  const [firstRefusal] = refusals;
  if (firstRefusal && refusals.length === visits.length) throw firstRefusal;
  const names = options.names ?? (options.servername === undefined ? undefined : [options.servername]);
  const readings: Reading[] = [];
  const notes: string[] = [];
  const absent: number[] = [];
  for (const { port, shown, failure, refusal } of visits) {
    if (shown) {
      readings.push(reading('tls_up', 1, { port: String(port) }));
      const served = describeServed(shown, { names, nowMs: node.nowMs() });
      readings.push(...served.readings);
      notes.push(...served.notes);
    } else if (refusal) notes.push(`port ${port}: ${refusal.message}`);
    else if (options.ports === undefined) absent.push(port);
    else {
      readings.push(reading('tls_up', 0, { port: String(port) }));
      notes.push(`port ${port}: ${failure?.message}`);
    }
  }
  if (absent.length > 0) notes.push(`no TLS on ${absent.join(', ')}; write \`ports\` to watch chosen ones`);
  const silent = visits.find(({ failure }) => failure && silenceOf(failure).silence)?.failure;
  return {
    readings,
    notes,
    isPartial: options.ports !== undefined && visits.some(({ shown }) => !shown),
    ...(firstRefusal && { error: firstRefusal }),
    ...(silent && { silence: silent }),
  };
}

/** All ports at once through the bastion; one after the other in the node's one session, each with its share of the time. */
async function visitAll(node: NodeHandle, options: TlsProbeOptions): Promise<Visit[]> {
  const ports = portsOf(options);
  if (options.via === 'bastion') {
    return Promise.all(ports.map((port) => visit(node, options, port, node.deadlines.handshakeMs)));
  }
  const visits: Visit[] = [];
  for (const [i, port] of ports.entries()) {
    const shareMs = Math.floor(node.deadlines.handshakeMs / (ports.length - i));
    visits.push(await visit(node, options, port, Math.max(1, shareMs)));
  }
  return visits;
}

async function visit(
  node: NodeHandle,
  options: TlsProbeOptions,
  port: number,
  deadlineMs: number,
): Promise<Visit> {
  const { via, ca } = options;
  let chain: TlsFacts['chain'] | undefined;
  try {
    const tunnel = await node.dial({ via, port });
    const tlsOptions = { ...serverNameOf(options, node), ...(ca !== undefined && { ca }) };
    const { socket, facts } = await connectTls(tunnel, tlsOptions, deadlineMs, (shown) => {
      chain = shown;
    });
    socket.destroySoon();
    const verified = ca === undefined ? {} : { verified: { error: facts.chainError } };
    return { port, shown: { port, chain: facts.chain, ...verified } };
  } catch (cause) {
    // It has shown its chain before it missed a client certificate.
    if (chain && cause instanceof ProbeError && cause.failure.reason !== 'timeout')
      return { port, shown: { port, chain } };
    return failed(port, cause);
  }
}

/** @throws what is no failure of this port alone */
function failed(port: number, cause: unknown): Visit {
  try {
    return { port, failure: serviceFailure(cause) };
  } catch (error) {
    const isForbidden = error instanceof ProbeError && error.failure.reason === 'forbidden';
    if (!isForbidden || error.failure.phase !== 'connect') throw error;
    return { port, refusal: error };
  }
}
