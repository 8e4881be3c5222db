import type { BastionConfig } from '../../core/config/types.ts';
import type { Target } from '../../core/model.ts';
import { loopWatch } from '../loop-watch.ts';
import { openBastionSession } from './bastion-session.ts';
import { type OpenCommand, openCommand } from './command.ts';
import { ProbeError, probeError } from './failure.ts';
import { judgeHostKey, type PinnedKeys } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import { openSession, type SshSession } from './session.ts';
import { dial, type Tunnel } from './tunnel.ts';

/** An SSH session with a node, inside a tunnel. */
export interface NodeSession {
  session: SshSession;
  tunnel: Tunnel;
}

export interface NodeAccess {
  target: Target;
  key: LoginKey;
  pinned: PinnedKeys;
}

/** One SSH connection to a bastion with the node sessions inside it, which stay open until used again. */
export interface BastionLink {
  fingerprint: string;
  openedAtMs: number;
  isOpen(): boolean;
  /** A round trip. False: the bastion is gone or frozen, and the link is closed. */
  isAlive(deadlineMs: number): Promise<boolean>;
  /**
   * Lets a command be started on a node, over the session kept from last time if it still serves, else over a new one.
   * `onNode` learns the session before the command is started. @throws ProbeError
   */
  openCommand(access: NodeAccess, onNode: (node: NodeSession) => void): Promise<OpenCommand & NodeSession>;
  /** Gives the session up: what comes over it is of no use any more. */
  dropNode(node: NodeSession): void;
  /** Closes sessions of nodes that were not used since. */
  dropUnusedSince(sinceMs: number): void;
  close(): void;
  destroy(): void;
}

/** Banner, key exchange and authentication take some 5 KB; servers with many lines of greeting a little more. */
const HANDSHAKE_BYTES = 256 * 1024;
/** Around the output: packets of SSH itself, keep-alives and key exchanges of an idle session. */
const PROTOCOL_BYTES = 64 * 1024;

/** Connects to a bastion within its deadline. @throws ProbeError */
export async function openBastionLink(options: {
  bastion: BastionConfig;
  key: LoginKey;
  pinned: PinnedKeys;
  nowMs: () => number;
  count: (name: string, labels: Record<string, string>) => void;
  /** Ends the attempt; a link that is open it does not concern. */
  signal?: AbortSignal | undefined;
}): Promise<BastionLink> {
  const { bastion, nowMs, count, signal } = options;
  const { deadlines } = bastion;
  const hop = await openBastionSession({ bastion, key: options.key, pinned: options.pinned, signal });
  count('ssh_sessions_opened_total', { hop: 'bastion' });
  const nodes = new Map<string, NodeSession & { key: LoginKey; usedAtMs: number }>();

  async function openNode({ target, key, pinned }: NodeAccess): Promise<NodeSession> {
    const tunnel = await dial(hop.client, target, deadlines.dialMs);
    tunnel.allow(HANDSHAKE_BYTES);
    try {
      const session = await openSession({
        stream: tunnel.stream,
        user: target.user,
        key,
        pinned,
        phase: 'handshake',
        deadlineMs: deadlines.handshakeMs,
      });
      count('ssh_sessions_opened_total', { hop: 'node' });
      return { session, tunnel };
    } catch (error) {
      if (!tunnel.isCut()) throw error;
      throw probeError('output', 'handshake', 'sends without end where SSH should begin');
    }
  }

  /** The session of last time, if it is still what we would open now. */
  function keptNode({ target, key, pinned }: NodeAccess): NodeSession | undefined {
    const node = nodes.get(nameOf(target));
    if (!node) return undefined;
    nodes.delete(nameOf(target));
    if (
      node.session.isOpen() &&
      node.key === key &&
      judgeHostKey(pinned, node.session.hostKey) === 'pinned'
    ) {
      return node;
    }
    node.session.destroy();
    return undefined;
  }

  async function start(access: NodeAccess, node: NodeSession, deadlineMs: number) {
    node.tunnel.allow(bastion.maxOutputBytes + PROTOCOL_BYTES);
    const command = await openCommand(node.session, deadlineMs, loopWatch.nowMs);
    nodes.set(nameOf(access.target), { ...node, key: access.key, usedAtMs: nowMs() });
    return { ...command, ...node };
  }

  return {
    fingerprint: hop.fingerprint,
    openedAtMs: nowMs(),
    isOpen: hop.isOpen,
    async isAlive(deadlineMs) {
      const alive = hop.isOpen() && (await makeRoundTrip(hop, deadlineMs));
      if (!alive) hop.destroy();
      return alive;
    },
    async openCommand(access, onNode) {
      const kept = keptNode(access);
      if (kept) {
        onNode(kept);
        try {
          const command = await start(access, kept, deadlines.dialMs);
          count('ssh_sessions_reused_total', { hop: 'node' });
          return command;
        } catch (error) {
          kept.session.destroy();
          // A node that answers and refuses would refuse again. A session that is silent or gone may be just stale.
          if (error instanceof ProbeError && error.failure.reason === 'command') throw error;
        }
      }
      const node = await openNode(access);
      onNode(node);
      try {
        return await start(access, node, deadlines.execMs);
      } catch (error) {
        node.session.destroy();
        throw error;
      }
    },
    dropNode(node) {
      node.session.destroy();
    },
    dropUnusedSince(sinceMs) {
      for (const [name, node] of nodes) {
        if (node.usedAtMs >= sinceMs) continue;
        nodes.delete(name);
        node.session.end();
      }
    },
    close() {
      for (const node of nodes.values()) node.session.end();
      nodes.clear();
      hop.end();
    },
    destroy: hop.destroy,
  };
}

function nameOf({ cluster, node, user, host, port }: Target): string {
  return JSON.stringify([cluster, node, user, host, port]);
}

/** Asks to cancel a forwarding that does not exist: every server answers that, and nothing comes of it. */
function makeRoundTrip(session: SshSession, deadlineMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), deadlineMs);
  const settle = (alive: boolean) => {
    clearTimeout(timer);
    resolve(alive);
  };
  try {
    // ssh2 calls back when the connection closes too.
    session.client.unforwardIn('127.0.0.1', 1, () => settle(session.isOpen()));
  } catch {
    settle(false);
  }
  return promise;
}
