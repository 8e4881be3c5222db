import type { AuditEntry } from '../../core/model/audit.ts';
import type { BastionConfig, SessionsConfig } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import { type Accessor, logInAudited, recordLogin } from '../ssh/audited-login.ts';
import {
  type BastionConnection,
  openBastionConnection,
  type StreamingNode,
} from '../ssh/bastion-connection.ts';
import type { Keyring } from '../ssh/keyring.ts';
import type { createPinnedKeys } from '../ssh/known-hosts-file.ts';
import { namesOfNode } from '../ssh/known-hosts-names.ts';
import { KEY_EXCHANGES_OF_TRANSFERS } from '../ssh/message-limit.ts';
import type { NodeAccess } from '../ssh/node-sessions.ts';
import { createPenalties } from '../ssh/penalties.ts';
import type { Tunnel } from '../ssh/tunnel.ts';

/** An open SSH session from which connections to one service are opened. */
export interface Route {
  /** Host key of the hop that connects to the service. */
  fingerprint: string;
  isOpen(): boolean;
  /** Makes a round trip to each hop. False: one is gone or frozen, and the route is closed. */
  isAlive(deadlineMs: number): Promise<boolean>;
  /** Opens a connection to the service. @throws ProbeError */
  dial(): Promise<Tunnel>;
  close(): void;
  destroy(): void;
}

/** What a login to a node through its bastion needs. */
export interface NodeLogin {
  bastion: BastionConfig;
  target: Target;
  sessions: SessionsConfig;
  keyring: Keyring;
  hostKeys: ReturnType<typeof createPinnedKeys>;
  accessor: Accessor;
  nowMs: () => number;
  /** Takes a line about each login. */
  record: (entry: AuditEntry) => void;
}

export interface RouteOptions extends NodeLogin {
  /** The bastion connects to the address of the node, or the node to its loopback. */
  via: 'bastion' | 'node';
  service: { host: string; port: number };
  /** Ends a login to the bastion. */
  signal?: AbortSignal | undefined;
}

/** Logs in to the bastion, and to the node where that connects to the service. @throws ProbeError, ConfigError */
export async function openRoute(options: RouteOptions): Promise<Route> {
  const { bastion, service, via, sessions, nowMs, signal } = options;
  const connection = await logInAudited(bastion, options, (access) =>
    openBastionConnection({
      ...access,
      sessions,
      nowMs,
      count: () => {},
      keyExchangesAMinute: KEY_EXCHANGES_OF_TRANSFERS,
      signal,
    }),
  );
  const dialMs = bastion.deadlines.dialMs;
  if (via === 'bastion') {
    return {
      fingerprint: connection.fingerprint,
      isOpen: connection.isOpen,
      isAlive: connection.isAlive,
      dial: () => connection.dial(service, dialMs),
      close: connection.close,
      destroy: connection.destroy,
    };
  }
  try {
    const node = await logInToNode(options, connection, await accessTo(options));
    // The user of the tunnel decides how much the service sends.
    node.allow(Number.POSITIVE_INFINITY);
    return {
      fingerprint: node.session.fingerprint,
      isOpen: () => connection.isOpen() && node.session.isOpen(),
      async isAlive(deadlineMs) {
        const answers = await Promise.all([connection.isAlive(deadlineMs), node.isAlive(deadlineMs)]);
        const alive = answers.every((answer) => answer);
        if (!alive) connection.destroy();
        return alive;
      },
      dial: () => node.dial(service, dialMs),
      close: connection.close,
      destroy: connection.destroy,
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** What the node is logged in to with. @throws ConfigError */
export async function accessTo({
  target,
  bastion,
  keyring,
  hostKeys,
  nowMs,
}: NodeLogin): Promise<NodeAccess> {
  const key = await keyring.ofCluster(target.cluster);
  const pinned = await (await hostKeys.load())(target.hostKeys, namesOfNode(target));
  const { deadlines } = bastion;
  return { target, key, pinned, roundMs: nowMs(), deadlines, penalties: createPenalties(nowMs) };
}

/** Writes one audit line however that ends. @throws ProbeError */
async function logInToNode(
  login: NodeLogin,
  connection: BastionConnection,
  access: NodeAccess,
): Promise<StreamingNode> {
  const { bastion, target } = login;
  const where = { bastion: bastion.name, target: `${target.cluster}/${target.node}` };
  return recordLogin(
    where,
    login,
    () => connection.openNode(access),
    ({ session }) => session.fingerprint,
  );
}
