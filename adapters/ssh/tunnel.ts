import type { Client, ClientChannel } from 'ssh2';
import type { Traffic } from '../../core/model/cost.ts';
import { firewallDenied, forwardingDenied, outOfFiles, probeError, seconds } from './failure.ts';
import type { SshStream } from './session.ts';

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254, 5.1 */
const FORBIDDEN = 1;
/** What OpenSSH says where the connection fails at once: it has no file left, or no route. */
const NO_CONNECTION_MADE = 'open failed';
/** Addresses that a session has connected to. */
const reachable = new WeakMap<Client, Set<string>>();
/** ENOPROTOOPT: no network answers this, but the rules of `bastionFirewall` do. */
const FIREWALLED = /Protocol not available/;

/** A direct-tcpip channel: to a node for an SSH session, or to a service. */
export interface Tunnel {
  stream: SshStream;
  /**
   * The node may send this many bytes from now on; one more cuts the tunnel. This bounds what a node can make us read in any
   * phase: greetings, key exchange, output, and while idle.
   */
  allow(bytes: number): void;
  isCut(): boolean;
}

const traffics = new WeakMap<Client, Traffic>();

/** The bytes of all tunnels of a session so far. */
export function trafficOf(client: Client): Traffic {
  const known = traffics.get(client);
  if (known) return known;
  const traffic = { sentBytes: 0, receivedBytes: 0 };
  traffics.set(client, traffic);
  return traffic;
}

/**
 * Opens a direct-tcpip channel to the SSH server of a node, or to a service from the bastion or a node.
 * @param service the hop that connects to the service; failures then have the phase `connect`
 * @throws ProbeError
 */
export function dial(
  client: Client,
  to: { host: string; port: number },
  deadlineMs: number,
  service?: 'bastion' | 'node',
): Promise<Tunnel> {
  const hop = service ?? 'bastion';
  const phase = service ? 'connect' : 'dial';
  const { promise, resolve, reject } = Promise.withResolvers<Tunnel>();
  const address = `${to.host}:${to.port}`;
  let late = false;
  // A bastion may try for minutes to connect to an address that does not answer.
  const timer = setTimeout(() => {
    late = true;
    reject(
      probeError(
        'timeout',
        phase,
        service
          ? `no connection to ${address} within ${seconds(deadlineMs)}`
          : `no connection within ${seconds(deadlineMs)}`,
      ),
    );
  }, deadlineMs);
  const lost = () => probeError('protocol', 'dial', `the connection to the ${hop} was lost`);
  try {
    client.forwardOut('127.0.0.1', 0, to.host, to.port, (error, channel) => {
      clearTimeout(timer);
      if (late) {
        channel?.destroy();
      } else if (error === undefined) {
        reachable.set(client, (reachable.get(client) ?? new Set()).add(address));
        resolve(createTunnel(channel, trafficOf(client)));
      } else {
        const { reason } = error as { reason?: number };
        const reply = error.message.replace(/^\(SSH\) Channel open failure: /, '');
        if (typeof reason !== 'number') reject(lost());
        else if (reason === FORBIDDEN) reject(forwardingDenied(address, hop, phase));
        else if (hop === 'bastion' && reply === NO_CONNECTION_MADE && reachable.get(client)?.has(address))
          reject(outOfFiles(address));
        else if (FIREWALLED.test(reply)) reject(firewallDenied(address, phase));
        else {
          const text = `the ${hop} did not reach ${address}${reply === '' ? '' : ` (${reply})`}`;
          reject(probeError('unreachable', phase, text));
        }
      }
    });
  } catch {
    clearTimeout(timer);
    reject(lost());
  }
  return promise;
}

function createTunnel(channel: ClientChannel, traffic: Traffic): Tunnel {
  let left = Number.POSITIVE_INFINITY;
  let cut = false;
  // Only ssh2 may start the flow.
  channel.pause();
  const write = channel._write;
  channel._write = (chunk: Buffer, ...rest) => {
    traffic.sentBytes += chunk.length;
    write.call(channel, chunk, ...rest);
  };
  channel.on('data', (chunk: Buffer) => {
    traffic.receivedBytes += chunk.length;
    left -= chunk.length;
    if (left >= 0 || cut) return;
    cut = true;
    // Bytes still arrive; drops them unread.
    channel.removeAllListeners('data');
    channel.resume();
    channel.destroy();
  });
  return {
    stream: channel,
    allow: (bytes) => {
      left = bytes;
    },
    isCut: () => cut,
  };
}
