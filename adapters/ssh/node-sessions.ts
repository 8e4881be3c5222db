import type { Client } from 'ssh2';
import { hashNumber } from '../../core/hash.ts';
import type { BastionConfig, SessionsConfig } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import type { Meter } from '../../core/ports.ts';
import { isPenalty, ProbeError, probeError } from './failure.ts';
import { checkHostKey, type HostKey, type PinnedKeys } from './host-keys.ts';
import { checkListener } from './listener-check.ts';
import type { LoginKey } from './login-key.ts';
import type { Penalties } from './penalties.ts';
import { isListenerCheckDue, isRenewalDue, LISTENER_CHECK_EVERY_MS, type LoginAge } from './renewal.ts';
import { exchangeKeys, openSession, type SshSession } from './session.ts';
import { dial, type Tunnel } from './tunnel.ts';

/** An SSH session with a node, inside a tunnel. */
export interface NodeSession {
  session: SshSession;
  tunnel: Tunnel;
}

export interface NodeAccess {
  target: Target;
  /** A ProbeError says why the key cannot be used. */
  key: LoginKey | ProbeError;
  pinned: PinnedKeys;
  /** Scheduled time of the round. */
  roundMs: number;
  deadlines: BastionConfig['deadlines'];
  penalties: Penalties;
}

/** What an access without a login needs. */
export type KeyAccess = Pick<NodeAccess, 'target' | 'pinned' | 'deadlines' | 'penalties'>;

/** A session in which a command can run. */
export interface ReadySession extends NodeSession {
  /** It was opened in an earlier round, so it may be silent or gone. */
  reused: boolean;
  /**
   * Whether a new login would succeed now, as far as we checked. False: the node refuses our address for a while, so we
   * cannot know. Rejects with the ProbeError of a login that would fail; nobody has to await it.
   */
  login: Promise<boolean>;
}

/** Sessions with nodes behind one connection to a bastion, kept open between rounds. */
export interface NodeSessions {
  /** The kept session if it is young enough and has the same key and host key as a new one would; else a new one. @throws ProbeError */
  take(access: NodeAccess): Promise<ReadySession>;
  /** Logs in. @throws ProbeError */
  open(access: NodeAccess): Promise<ReadySession>;
  /** Exchanges keys with the node's SSH server beside all sessions, without a login. @throws ProbeError */
  exchangeKeys(access: KeyAccess): Promise<HostKey>;
  keep(access: NodeAccess, node: NodeSession): void;
  dropUnusedSince(sinceMs: number): void;
  close(): void;
}

interface LoginRecord extends LoginAge {
  lifetimeMs: number;
}

/** Banner, key exchange and authentication take some 5 KB, a little more with long greetings. */
const HANDSHAKE_BYTES = 256 * 1024;

export function createNodeSessions(options: {
  client: Client;
  /** See `SessionOptions`. */
  packs: boolean;
  keyExchangesAMinute?: number | undefined;
  sessions: SessionsConfig;
  nowMs: () => number;
  count: Meter['count'];
}): NodeSessions {
  const { client, packs, keyExchangesAMinute, sessions, nowMs, count } = options;
  const kept = new Map<string, NodeSession & { key: NodeAccess['key']; usedAtMs: number }>();
  const records = new WeakMap<SshSession, LoginRecord>();
  const known = new Set<string>();

  /** The first session of each node lives shorter, by its name, so that the sessions of one round are not renewed in one round. */
  function lifetimeOf(name: string): number {
    if (known.has(name)) return sessions.renewMs;
    known.add(name);
    return sessions.renewMs * (0.1 + (0.9 * (hashNumber(name) % 1000)) / 1000);
  }

  async function open(access: NodeAccess): Promise<ReadySession> {
    const { target, key, pinned, roundMs, deadlines, penalties } = access;
    if (key instanceof ProbeError) throw key;
    const name = nameOf(target);
    const penalty = penalties.of(target);
    if (penalty?.wait) throw penalty.error;
    const tunnel = await dial(client, target, deadlines.dialMs);
    tunnel.allow(HANDSHAKE_BYTES);
    try {
      const session = await openSession({
        stream: tunnel.stream,
        user: target.user,
        key,
        pinned,
        phase: 'handshake',
        deadlineMs: deadlines.handshakeMs,
        packs,
        keyExchangesAMinute,
      });
      count('ssh_sessions_opened_total', { hop: 'node' });
      penalties.clear(target);
      records.set(session, {
        openedRoundMs: roundMs,
        usedRoundMs: roundMs,
        lifetimeMs: lifetimeOf(name),
        provenRoundMs: roundMs - (hashNumber(name) % LISTENER_CHECK_EVERY_MS),
      });
      return { session, tunnel, reused: false, login: Promise.resolve(true) };
    } catch (error) {
      if (isPenalty(error)) throw recordPenalty(access, error);
      if (!tunnel.isCut()) throw error;
      throw sendsWithoutEnd();
    }
  }

  async function exchange({ target, pinned, deadlines, penalties }: KeyAccess): Promise<HostKey> {
    const penalty = penalties.of(target);
    if (penalty?.wait) throw penalty.error;
    const tunnel = await dial(client, target, deadlines.dialMs);
    tunnel.allow(HANDSHAKE_BYTES);
    try {
      const { stream } = tunnel;
      return await exchangeKeys({ stream, pinned, phase: 'handshake', deadlineMs: deadlines.handshakeMs });
    } catch (error) {
      if (isPenalty(error)) throw recordPenalty({ target, penalties }, error);
      if (!tunnel.isCut()) throw error;
      throw sendsWithoutEnd();
    }
  }

  function recordPenalty(
    { target, penalties }: Pick<NodeAccess, 'target' | 'penalties'>,
    { failure }: ProbeError,
  ): unknown {
    count('ssh_penalties_total', { hop: 'node' });
    penalties.add(target, failure.detail);
    return penalties.of(target)?.error;
  }

  function takeKept({ target, key, pinned }: NodeAccess): NodeSession | undefined {
    const name = nameOf(target);
    const node = kept.get(name);
    if (!node) return undefined;
    kept.delete(name);
    const { session, tunnel } = node;
    if (session.isOpen() && node.key === key && checkHostKey(pinned, session.hostKey) === 'pinned') {
      return { session, tunnel };
    }
    session.destroy();
    return undefined;
  }

  /** Connects, and disconnects before the key exchange. @throws ProbeError */
  async function checkNodeListener(access: NodeAccess): Promise<boolean> {
    const { target, deadlines } = access;
    let outcome = 'failed';
    try {
      const tunnel = await dial(client, target, deadlines.dialMs);
      tunnel.allow(HANDSHAKE_BYTES);
      await checkListener({ stream: tunnel.stream, phase: 'handshake', deadlineMs: deadlines.handshakeMs });
      outcome = 'ok';
      return true;
    } catch (error) {
      throw isPenalty(error) ? recordPenalty(access, error) : error;
    } finally {
      count('ssh_door_checks_total', { outcome });
    }
  }

  /** Whether a login beside the kept session would succeed, without making one. */
  function checkLoginBeside(access: NodeAccess, record: LoginRecord): Promise<boolean> {
    const penalty = access.penalties.of(access.target);
    if (penalty) return Promise.reject(penalty.error);
    if (!sessions.door || !isListenerCheckDue(record, access.roundMs)) return Promise.resolve(true);
    record.provenRoundMs = access.roundMs;
    return checkNodeListener(access);
  }

  return {
    open,
    exchangeKeys: exchange,
    async take(access) {
      const node = takeKept(access);
      const record = node && records.get(node.session);
      if (!node || !record) return open(access);
      const penalty = access.penalties.of(access.target);
      const renews = penalty ? !penalty.wait : isRenewalDue(record, access.roundMs, record.lifetimeMs);
      if (!renews) return { ...node, reused: true, login: falseForPenalty(checkLoginBeside(access, record)) };
      try {
        const renewed = await open(access);
        node.session.end();
        return renewed;
      } catch (error) {
        if (isPenalty(error)) return { ...node, reused: true, login: Promise.resolve(false) };
        node.session.destroy();
        throw error;
      }
    },
    keep(access, { session, tunnel }) {
      const record = records.get(session);
      if (record) record.usedRoundMs = access.roundMs;
      kept.set(nameOf(access.target), { session, tunnel, key: access.key, usedAtMs: nowMs() });
    },
    dropUnusedSince(sinceMs) {
      for (const [name, { session, usedAtMs }] of kept) {
        if (usedAtMs >= sinceMs) continue;
        kept.delete(name);
        session.end();
      }
    },
    close() {
      for (const { session } of kept.values()) session.end();
      kept.clear();
    },
  };
}

function sendsWithoutEnd(): ProbeError {
  return probeError('output', 'handshake', 'sends without end where SSH should begin');
}

function falseForPenalty(login: Promise<boolean>): Promise<boolean> {
  const settled = login.catch((error: unknown) => {
    if (isPenalty(error)) return false;
    throw error;
  });
  settled.catch(() => {});
  return settled;
}

function nameOf({ cluster, node, user, host, port }: Target): string {
  return JSON.stringify([cluster, node, user, host, port]);
}
