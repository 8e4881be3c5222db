import type { BastionConfig, SessionsConfig } from '../../core/model/config.ts';
import type { Traffic } from '../../core/model/cost.ts';
import type { Meter } from '../../core/ports.ts';
import { loopWatch } from '../event-loop/loop-watch.ts';
import { openBastionSession } from './bastion-session.ts';
import { type OpenCommand, openCommand } from './command.ts';
import { ProbeError } from './failure.ts';
import type { HostKey, PinnedKeys } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import {
  createNodeSessions,
  type KeyAccess,
  type NodeAccess,
  type NodeSession,
  type ReadySession,
} from './node-sessions.ts';
import type { SshSession } from './session.ts';
import { dial, type Tunnel, trafficOf } from './tunnel.ts';

export interface NodeCommand extends OpenCommand, NodeSession {
  /** Whether a new login would succeed now, see `ReadySession`. */
  login: Promise<boolean>;
}

/** A session with a node over which streams are open, or can be. */
export interface StreamingNode extends NodeSession {
  /** Whether a new login would succeed now, see `ReadySession`. */
  login: Promise<boolean>;
  /** The node may send this many bytes of streams from now on, over all streams. */
  allow(bytes: number): void;
  /** Makes a round trip. */
  isAlive(deadlineMs: number): Promise<boolean>;
  /** Opens a stream from the node to an address. Its bytes are counted for the caller, too. @throws ProbeError */
  dial(to: { host: string; port: number }, deadlineMs: number): Promise<Tunnel>;
}

/** One SSH connection to a bastion and the node sessions inside it, which stay open for the next round. */
export interface BastionConnection {
  fingerprint: string;
  openedAtMs: number;
  isOpen(): boolean;
  /** Makes a round trip. False: the bastion is gone or frozen, and the connection is closed. */
  isAlive(deadlineMs: number): Promise<boolean>;
  /**
   * Opens a channel for a command on a node: over the session of the last round if that still works, else over a new one.
   * Calls `onNode` with the session before the command starts. @throws ProbeError
   */
  openCommand(access: NodeAccess, onNode: (node: NodeSession) => void): Promise<NodeCommand>;
  /** Opens a stream from the bastion to an address. Its bytes are counted for the caller, who allows them. @throws ProbeError */
  dial(to: { host: string; port: number }, deadlineMs: number): Promise<Tunnel>;
  /**
   * A session with a node for streams from there: that of the last round if it answers now or has just answered, else a new
   * one. It stays open for the next round. @throws ProbeError
   */
  openNode(access: NodeAccess): Promise<StreamingNode>;
  /** Exchanges keys with a node's SSH server, without a login. @throws ProbeError, also for a key that is not pinned */
  exchangeKeys(access: KeyAccess): Promise<HostKey>;
  /** Bytes so far: of all tunnels to nodes and services, and of the connection that they are in. */
  traffic(): { node: Traffic; wire: Traffic };
  /** Closes the session at once: whatever it still delivers is useless. */
  dropNode(node: NodeSession): void;
  /** Closes node sessions that nobody used since then. */
  dropUnusedSince(sinceMs: number): void;
  close(): void;
  destroy(): void;
}

/** Allowance beside the output: SSH's own packets, keep-alives and key exchanges of an idle session. */
const PROTOCOL_BYTES = 64 * 1024;
/** sshd forwards a command's output as it reads it, in messages of a few KB or more. */
const COMMAND_MESSAGES = 4_096;
/** A session that answered a moment ago, mostly the check before in this round, need not prove that it still does. */
const ANSWERED_MS = 1_000;
/** ssh2 buffers 2 MB of a channel and opens a window for 2 MB: so much may come after we cut a stream, and costs the stream only. */
const UNDER_WAY_BYTES = 4 * 1024 * 1024;

/** Connects to a bastion within its deadline. @throws ProbeError */
export async function openBastionConnection(options: {
  bastion: BastionConfig;
  key: LoginKey;
  pinned: PinnedKeys;
  nowMs: () => number;
  count: Meter['count'];
  sessions: SessionsConfig;
  /** Compress what we send to nodes, see `SessionOptions`. */
  packs?: boolean;
  /** In the sessions with the bastion and with nodes, see `SessionOptions`. */
  keyExchangesAMinute?: number | undefined;
  /** Ends the attempt. It does not close a connection that is open. */
  signal?: AbortSignal | undefined;
}): Promise<BastionConnection> {
  const { bastion, sessions, nowMs, count, signal, packs = false, keyExchangesAMinute } = options;
  const hop = await openBastionSession({
    bastion,
    key: options.key,
    pinned: options.pinned,
    keyExchangesAMinute,
    signal,
  });
  count('ssh_sessions_opened_total', { hop: 'bastion' });
  const nodes = createNodeSessions({
    client: hop.client,
    packs,
    keyExchangesAMinute,
    sessions,
    nowMs,
    count,
  });
  const answeredMs = new WeakMap<SshSession, number>();

  const answered = (session: SshSession) => void answeredMs.set(session, nowMs());
  const answers = async (session: SshSession, deadlineMs: number) => {
    const sinceMs = nowMs() - (answeredMs.get(session) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= 0 && sinceMs < ANSWERED_MS && session.isOpen()) return true;
    const alive = await makeRoundTrip(session, deadlineMs);
    if (alive) answered(session);
    return alive;
  };

  async function start(access: NodeAccess, node: ReadySession, deadlineMs: number): Promise<NodeCommand> {
    const { session, tunnel, login } = node;
    // What is left of a stream that we cut may arrive with the output.
    if (streaming.has(session)) allowStreams(node, bastion.maxOutputBytes);
    else {
      tunnel.allow(bastion.maxOutputBytes + PROTOCOL_BYTES);
      session.allow(COMMAND_MESSAGES);
    }
    const command = await openCommand(session, deadlineMs, loopWatch.nowMs);
    answered(session);
    nodes.keep(access, node);
    return { ...command, session, tunnel, login };
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
      const { deadlines } = access;
      let node = await nodes.take(access);
      if (node.reused) {
        onNode(node);
        try {
          const command = await start(access, node, deadlines.dialMs);
          count('ssh_sessions_reused_total', { hop: 'node' });
          return command;
        } catch (error) {
          node.session.destroy();
          // A node that refuses a command would refuse again. A session that is silent or gone may only be stale.
          if (error instanceof ProbeError && error.failure.reason === 'command') throw error;
        }
        node = await nodes.open(access);
      }
      onNode(node);
      try {
        return await start(access, node, deadlines.execMs);
      } catch (error) {
        node.session.destroy();
        throw error;
      }
    },
    dial: (to, deadlineMs) => dial(hop.client, to, deadlineMs, 'bastion'),
    async openNode(access) {
      let node = await nodes.take(access);
      allowStreams(node, bastion.maxOutputBytes);
      if (node.reused) {
        if (await answers(node.session, access.deadlines.dialMs)) {
          count('ssh_sessions_reused_total', { hop: 'node' });
        } else {
          node.session.destroy();
          node = await nodes.open(access);
          allowStreams(node, bastion.maxOutputBytes);
        }
      }
      nodes.keep(access, node);
      const { session, tunnel, login } = node;
      return {
        session,
        tunnel,
        login,
        allow: (bytes) => allowStreams({ session, tunnel }, bytes),
        isAlive: async (deadlineMs) => session.isOpen() && (await makeRoundTrip(session, deadlineMs)),
        dial: (to, deadlineMs) => dial(session.client, to, deadlineMs, 'node'),
      };
    },
    exchangeKeys: nodes.exchangeKeys,
    traffic: () => ({ node: { ...trafficOf(hop.client) }, wire: hop.wire() }),
    dropNode(node) {
      node.session.destroy();
    },
    dropUnusedSince: nodes.dropUnusedSince,
    close() {
      nodes.close();
      hop.end();
    },
    destroy: hop.destroy,
  };
}

/** Sessions that streams were opened in. */
const streaming = new WeakSet<SshSession>();

/** SSH packs streams into messages of some KB; adjusted windows, padding and authentication codes come on top. */
function allowStreams({ session, tunnel }: NodeSession, bytes: number): void {
  streaming.add(session);
  const most = bytes + UNDER_WAY_BYTES;
  tunnel.allow(most + Math.ceil(most / 8) + PROTOCOL_BYTES);
  session.allow(COMMAND_MESSAGES + Math.ceil(most / 512));
}

/** Cancels a forwarding that does not exist: every server answers that request, and it has no effect. */
function makeRoundTrip(session: SshSession, deadlineMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), deadlineMs);
  const settle = (alive: boolean) => {
    clearTimeout(timer);
    resolve(alive);
  };
  try {
    // ssh2 also calls back when the connection closes.
    session.client.unforwardIn('127.0.0.1', 1, () => settle(session.isOpen()));
  } catch {
    settle(false);
  }
  return promise;
}
