import { setTimeout as sleep } from 'node:timers/promises';
import type { BastionConfig } from '../../core/model/config.ts';
import type { Traffic } from '../../core/model/cost.ts';
import { connectToBastion } from './bastion-socket.ts';
import { ProbeError, probeError } from './failure.ts';
import type { PinnedKeys } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import { openSession, type SshSession } from './session.ts';

/**
 * When many clients log in to a bastion at the same time, sshd drops some connections at random before SSH begins
 * (MaxStartups) and expects these clients to retry. The pause doubles with each attempt, up to a limit.
 */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;
/** With less time left a retry would end by the deadline, and that failure says less than the refusal before. */
const LEAST_LOGIN_MS = 500;

export interface BastionSession extends SshSession {
  /** The bytes of its connection so far. */
  wire(): Traffic;
}

/**
 * Logs in to a bastion within its deadline. Retries where the bastion drops the connection before it presents a host key,
 * but not where it has a penalty against our address: that outlasts any deadline.
 * @throws ProbeError
 */
export async function openBastionSession(options: {
  bastion: BastionConfig;
  key: LoginKey;
  pinned: PinnedKeys;
  /** See `SessionOptions`. */
  keyExchangesAMinute?: number | undefined;
  /** Ends the attempt. It does not close a session that is open. */
  signal?: AbortSignal | undefined;
  /** From 0 up to 1: spreads the retries of several clients. */
  random?: () => number;
}): Promise<BastionSession> {
  const { bastion, key, pinned, keyExchangesAMinute, signal, random = Math.random } = options;
  const endMs = performance.now() + bastion.deadlines.bastionMs;
  for (let attempt = 0; ; attempt++) {
    const socket = connectToBastion(bastion);
    const cut = () => socket.stream.destroy();
    signal?.addEventListener('abort', cut);
    try {
      const deadlineMs = attempt === 0 ? bastion.deadlines.bastionMs : endMs - performance.now();
      const { user } = bastion;
      const login = { user, key, pinned, phase: 'bastion', deadlineMs, keyExchangesAMinute } as const;
      const session = await openSession({ ...socket, ...login });
      const { stream } = socket;
      return {
        ...session,
        wire: () => ({ sentBytes: stream.bytesWritten, receivedBytes: stream.bytesRead }),
      };
    } catch (error) {
      if (!isDropped(error) || signal?.aborted) throw error;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * (0.5 + random());
      if (performance.now() + pauseMs + LEAST_LOGIN_MS >= endMs) throw afterRetries(error, attempt + 1);
      await sleep(pauseMs, undefined, signal && { signal }).catch(() => {
        throw error;
      });
    } finally {
      signal?.removeEventListener('abort', cut);
    }
  }
}

function isDropped(error: unknown): error is ProbeError {
  return (
    error instanceof ProbeError && (error.turnedAway === 'startups' || error.turnedAway === 'unexplained')
  );
}

function afterRetries(error: ProbeError, times: number): ProbeError {
  if (times === 1) return error;
  const { failure, cause, turnedAway } = error;
  const detail = `${failure.detail}, ${times} times; MaxStartups of its sshd may be too low for maxConnections of ours`;
  return probeError(failure.reason, failure.phase, detail, { cause, turnedAway });
}
