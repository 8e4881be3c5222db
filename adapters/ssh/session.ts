import type { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import type { ProbePhase } from '../../core/model/observation.ts';
import { ALGORITHMS, explainMismatch } from './algorithms.ts';
import { ProbeError, probeError, seconds } from './failure.ts';
import {
  checkHostKey,
  fingerprintOf,
  type HostKey,
  type HostKeyVerdict,
  hostKeyAlgorithms,
  hostKeyOf,
  type PinnedKeys,
} from './host-keys.ts';
import { type Login, watchLogin } from './login.ts';
import { explainLogin, explainOpening, type LoginFailure } from './login-failure.ts';
import { authMethod, type LoginKey } from './login-key.ts';
import { allowLongBanner } from './long-banner.ts';
import { limitMessages } from './message-limit.ts';
import { watchOpening } from './opening.ts';
import { moveToOwnMemory } from './own-memory.ts';
import { pacing } from './pacing.ts';
import { offerPackedRequests, packRequests } from './packed-requests.ts';
import { createOfferReader } from './server-offer.ts';

/** What ssh2 calls a key exchange that is not signed with the key that the server shows. */
const UNPROVEN = /signature verification failed/i;
const CLOSE_MS = 500;
/** A login takes ten or twenty messages, and one more for each line of greeting. */
const LOGIN_MESSAGES = 1_000;

/** An authenticated SSH connection to a server with a pinned host key. */
export interface SshSession {
  client: Client;
  hostKey: HostKey;
  fingerprint: string;
  isOpen(): boolean;
  /** The server may send this many messages from now on; one more ends the session. Default: any number. */
  allow(messages: number): void;
  /** Why we ended the session, for people, if the server sent too much. */
  flood(): string | undefined;
  /** Disconnects as the protocol asks. Idempotent. */
  end(): void;
  destroy(): void;
}

/** A connected stream, or a net.Socket that is connecting. The session takes it over. */
export type SshStream = Duplex & { destroy(): unknown };

export interface SessionOptions extends ExchangeOptions {
  user: string;
  key: LoginKey;
}

/** What a key exchange needs, which comes before the login. */
export interface ExchangeOptions {
  stream: SshStream;
  pinned: PinnedKeys;
  /** Prefer key types of these. Default: `pinned`. */
  prefer?: PinnedKeys;
  phase: ProbePhase;
  deadlineMs: number;
  /** Compress what we send, where the server accepts that: scripts cost traffic. */
  packs?: boolean;
  /** How often the server may renew the keys in a minute. Default: as often as it may while we probe. */
  keyExchangesAMinute?: number | undefined;
  /** What was missing when the deadline passed, for people; undefined: the session. */
  missing?: () => string | undefined;
}

/** Opens a session. Checks the host key before it authenticates. @throws ProbeError */
export function openSession(options: SessionOptions): Promise<SshSession> {
  return connect(options, options);
}

/**
 * Exchanges keys and disconnects, without a login. The server has proved that it holds the pinned key that is returned.
 * @throws ProbeError, also for a key that is not pinned
 */
export async function exchangeKeys(options: ExchangeOptions): Promise<HostKey> {
  const { hostKey } = await connect(options, undefined);
  return hostKey;
}

/** @param as who logs in; undefined: nobody, and the session ends with the key exchange */
function connect(
  options: ExchangeOptions,
  as: Pick<SessionOptions, 'user' | 'key'> | undefined,
): Promise<SshSession> {
  const { stream, pinned, phase, deadlineMs, missing = () => undefined } = options;
  // Nobody sends the name without a login.
  const { user } = as ?? { user: 'nobody' };
  const { promise, resolve, reject } = Promise.withResolvers<SshSession>();
  const client = new ssh2.Client();
  let presented: HostKey | undefined;
  let verdict: HostKeyVerdict | undefined;
  let login: Login | undefined;
  let open = false;

  const destroy = () => {
    open = false;
    client.destroy();
    // Bytes still arrive, since destroying a channel of ssh2 only asks the other side to close it. Drops them unread.
    stream.removeAllListeners('data');
    stream.resume();
    stream.destroy();
  };
  const settle = (outcome: () => void) => {
    clearTimeout(timer);
    outcome();
  };
  const fail = (error: ProbeError) => settle(() => reject(error));
  const explained = ({ reason, detail, turnedAway }: LoginFailure, cause?: Error) =>
    probeError(reason, phase, detail, { hostKey: presented, turnedAway, cause });
  pacing.pace(stream);
  const opening = watchOpening(stream, () => {
    fail(probeError('output', phase, 'sends without end where SSH should begin'));
    destroy();
  });
  const serverHostKey = hostKeyAlgorithms(options.prefer ?? pinned);
  const offerReader = createOfferReader();
  stream.on('data', offerReader.read);
  const facts = () => ({
    user,
    identified: opening.identified(),
    opening: opening.text(),
    identification: opening.identification(),
    login,
  });
  const timer = setTimeout(() => {
    const otherService = opening.identified() ? '' : explainOpening(opening.text());
    const silent = opening.identified() ? 'no SSH session' : 'says nothing, not even its SSH identification,';
    const what = missing() ?? (otherService ? `${otherService}; no SSH` : silent);
    fail(probeError(otherService ? 'protocol' : 'timeout', phase, `${what} within ${seconds(deadlineMs)}`));
    destroy();
  }, deadlineMs);

  // Never removed: ssh2 may emit a second error, and errors of a session long after it opened.
  client.on('error', (error: Error & { level?: string; code?: unknown }) => {
    const offer = error.level === 'handshake' ? offerReader.offer() : undefined;
    const mismatch = offer && explainMismatch(offer, serverHostKey);
    // `probeError` would cut this text, whose length is bounded already.
    if (mismatch !== undefined) {
      fail(new ProbeError({ reason: 'protocol', phase, detail: mismatch }, { cause: error }));
    } else {
      const isUnproven = UNPROVEN.test(error.message);
      const untrusted =
        presented &&
        verdict &&
        (isUnproven || verdict !== 'pinned') &&
        explainKey(verdict, presented, pinned);
      fail(explained(untrusted || explainLogin({ ...facts(), error }), error));
    }
    destroy();
  });
  // `end` without `close`: the other side closed its half. Nothing more can arrive.
  const onEnd = () => {
    fail(explained(explainLogin(facts())));
    destroy();
  };
  client.on('end', onEnd).on('close', onEnd);
  client.on('handshake', () => moveToOwnMemory(client));
  // Once only: otherwise each key exchange during a login would permit another long banner.
  client.once('handshake', () => {
    stream.off('data', offerReader.read);
    offerReader.forget();
    client.once('ready', allowLongBanner(client));
    if (as === undefined) resolveAndEnd();
  });
  const end = () => {
    open = false;
    client.end();
    // A frozen server never closes its side.
    setTimeout(destroy, CLOSE_MS).unref();
  };
  const opened = (): SshSession => {
    const hostKey = presented as HostKey;
    const { allow, flood } = limit;
    const fingerprint = fingerprintOf(hostKey);
    return { client, hostKey, fingerprint, isOpen: () => open, allow, flood, end, destroy };
  };
  /** Disconnects with code 11 before ssh2 asks for the service that logs in. */
  const resolveAndEnd = () => {
    settle(() => resolve(opened()));
    end();
  };
  client.on('ready', () => {
    if (options.packs) packRequests(client);
    open = true;
    limit.allow(Number.POSITIVE_INFINITY);
    settle(() => resolve(opened()));
  });

  client.connect({
    sock: stream,
    username: user,
    authHandler: (as ? [authMethod(as.key, user)] : []) as never,
    hostVerifier: (blob: Buffer) => {
      presented = hostKeyOf(blob);
      verdict = checkHostKey(pinned, presented);
      return verdict === 'pinned';
    },
    algorithms: { ...ALGORITHMS, serverHostKey } as never,
    readyTimeout: 0,
  });
  if (options.packs) offerPackedRequests(client);
  login = watchLogin(client);
  const { keyExchangesAMinute } = options;
  const onFlood = (what: string) => {
    fail(probeError('output', phase, what, { hostKey: presented }));
    destroy();
  };
  const limit = limitMessages(client, onFlood, { keyExchangesAMinute });
  limit.allow(LOGIN_MESSAGES);
  return promise;
}

/** Reads the host key that a server presents first, of a pinned type if it has one. @throws ProbeError */
export async function scanHostKey(options: SessionOptions): Promise<HostKey> {
  try {
    const noKeys = { accepted: [], revoked: [] };
    const session = await openSession({ ...options, pinned: noKeys, prefer: options.pinned });
    return session.hostKey;
  } catch (error) {
    if (error instanceof ProbeError && error.hostKey) return error.hostKey;
    throw error;
  }
}

function explainKey(verdict: HostKeyVerdict, presented: HostKey, pinned: PinnedKeys) {
  const is = `${presented.type} ${fingerprintOf(presented)}`;
  if (verdict === 'unknown') {
    return {
      reason: 'host-key-unknown',
      detail: `no host key is pinned; it shows ${is}; see \`bartizan trust\``,
    } as const;
  }
  if (verdict === 'revoked')
    return { reason: 'host-key', detail: `shows a revoked host key: ${is}` } as const;
  if (verdict === 'pinned')
    return {
      reason: 'host-key',
      detail: `shows the pinned host key, and cannot sign with it: ${is}; somebody else answers in its place`,
    } as const;
  const same = pinned.accepted.filter((key) => key.type === presented.type);
  const known = (same.length > 0 ? same : pinned.accepted).map((key) => `${key.type} ${fingerprintOf(key)}`);
  return {
    reason: 'host-key',
    detail: `host key changed: it shows ${is}, pinned is ${known.join(', ')}`,
  } as const;
}
