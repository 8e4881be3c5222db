import type { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import type { FailureReason, ProbePhase } from '../../core/model.ts';
import { explainSocketError } from './bastion-socket.ts';
import { ProbeError, probeError, seconds } from './failure.ts';
import {
  fingerprintOf,
  type HostKey,
  type HostKeyVerdict,
  hostKeyAlgorithms,
  hostKeyOf,
  judgeHostKey,
  type PinnedKeys,
} from './host-keys.ts';
import { authMethod, type LoginKey } from './login-key.ts';

/**
 * GCM first: in hardware, and no HMAC. No chacha20: without its native binding ssh2 1.17 hangs on it under Node 24.
 */
const CIPHERS = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'] as const;

const GOODBYE_MS = 500;

/** An authenticated SSH connection whose host key was the pinned one. */
export interface SshSession {
  client: Client;
  hostKey: HostKey;
  fingerprint: string;
  isOpen(): boolean;
  /** Says good-bye. Idempotent. */
  end(): void;
  destroy(): void;
}

/** Connected, or a net.Socket that is connecting; it belongs to the session from here on. */
export type SshStream = Duplex & { destroy(): unknown };

export interface SessionOptions {
  stream: SshStream;
  user: string;
  key: LoginKey;
  pinned: PinnedKeys;
  /** Whose types of key are asked for first. Default: `pinned`. */
  prefer?: PinnedKeys;
  phase: ProbePhase;
  deadlineMs: number;
  /** What is missing when the deadline has passed, in words. Default: the session. */
  missing?: () => string;
}

/** Opens a session; the host key is checked before anything is authenticated. @throws ProbeError */
export function openSession(options: SessionOptions): Promise<SshSession> {
  const { stream, user, key, pinned, phase, deadlineMs, missing = () => 'no SSH session' } = options;
  const { promise, resolve, reject } = Promise.withResolvers<SshSession>();
  const client = new ssh2.Client();
  let shown: HostKey | undefined;
  let verdict: HostKeyVerdict | undefined;
  let open = false;

  const destroy = () => {
    open = false;
    client.destroy();
    stream.destroy();
  };
  const settle = (outcome: () => void) => {
    clearTimeout(timer);
    outcome();
  };
  const fail = (error: ProbeError) => settle(() => reject(error));
  const timer = setTimeout(() => {
    fail(probeError('timeout', phase, `${missing()} within ${seconds(deadlineMs)}`));
    destroy();
  }, deadlineMs);

  // For good: ssh2 emits a second error after some first ones, and errors of a session that was long open.
  client.on('error', (error: Error & { level?: string; code?: unknown }) => {
    const { reason, detail } =
      shown && verdict && verdict !== 'pinned' ? explainKey(verdict, shown, pinned) : explain(error, user);
    fail(probeError(reason, phase, detail, { hostKey: shown, cause: error }));
    destroy();
  });
  // `end` without `close`: the other side closed its half only. Nothing more can come.
  const onEnd = () => {
    fail(probeError('protocol', phase, 'the connection was closed before the SSH session was ready'));
    destroy();
  };
  client.on('end', onEnd).on('close', onEnd);
  client.on('handshake', () => {
    // OpenSSH announces all its host keys, and ssh2 then makes it sign with each, to tell us of new ones. Only the
    // pinned one is of use here; without a vendor's name ssh2 does not ask.
    Object.assign(client, { _remoteVer: '' });
  });
  client.on('ready', () => {
    open = true;
    const hostKey = shown as HostKey;
    const end = () => {
      open = false;
      client.end();
      // One that is frozen never closes its side.
      setTimeout(destroy, GOODBYE_MS).unref();
    };
    settle(() =>
      resolve({ client, hostKey, fingerprint: fingerprintOf(hostKey), isOpen: () => open, end, destroy }),
    );
  });

  client.connect({
    sock: stream,
    username: user,
    authHandler: [authMethod(key, user)] as never,
    hostVerifier: (blob: Buffer) => {
      shown = hostKeyOf(blob);
      verdict = judgeHostKey(pinned, shown);
      return verdict === 'pinned';
    },
    algorithms: { cipher: [...CIPHERS], serverHostKey: hostKeyAlgorithms(options.prefer ?? pinned) as never },
    readyTimeout: 0,
  });
  return promise;
}

/** The host key that a server shows first, of those types that are pinned if it has one. @throws ProbeError */
export async function showHostKey(options: SessionOptions): Promise<HostKey> {
  try {
    const nobody = { accepted: [], revoked: [] };
    const session = await openSession({ ...options, pinned: nobody, prefer: options.pinned });
    return session.hostKey;
  } catch (error) {
    if (error instanceof ProbeError && error.hostKey) return error.hostKey;
    throw error;
  }
}

function explainKey(verdict: HostKeyVerdict, shown: HostKey, pinned: PinnedKeys) {
  const is = `${shown.type} ${fingerprintOf(shown)}`;
  if (verdict === 'unknown') {
    return {
      reason: 'host-key-unknown',
      detail: `no host key is pinned; it shows ${is}; see \`bartizan trust\``,
    } as const;
  }
  if (verdict === 'revoked')
    return { reason: 'host-key', detail: `shows a revoked host key: ${is}` } as const;
  const same = pinned.accepted.filter((key) => key.type === shown.type);
  const known = (same.length > 0 ? same : pinned.accepted).map((key) => `${key.type} ${fingerprintOf(key)}`);
  return {
    reason: 'host-key',
    detail: `host key changed: it shows ${is}, pinned is ${known.join(', ')}`,
  } as const;
}

function explain(
  error: Error & { level?: string; code?: unknown },
  user: string,
): { reason: FailureReason; detail: string } {
  switch (error.level) {
    case 'client-authentication':
      return { reason: 'auth', detail: `refused our key for user ${user}` };
    case 'agent':
      return { reason: 'auth', detail: `the ssh-agent did not sign: ${error.message}` };
    case 'client-socket': {
      const lost = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      return { reason: lost ? 'protocol' : 'unreachable', detail: explainSocketError(error) };
    }
    default:
      return { reason: 'protocol', detail: error.message };
  }
}
