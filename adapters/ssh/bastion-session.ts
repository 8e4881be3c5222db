import { setTimeout as sleep } from 'node:timers/promises';
import type { BastionConfig } from '../../core/config/types.ts';
import { reachBastion } from './bastion-socket.ts';
import { ProbeError, probeError } from './failure.ts';
import type { PinnedKeys } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import { openSession, type SshSession } from './session.ts';

/**
 * A bastion that many log in to at once hangs up on some of them at random, before SSH begins (sshd's MaxStartups), and
 * wants them to come again. The pause doubles each time, up to a limit.
 */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Logs in to a bastion within its deadline; comes again where it hangs up before it has shown a host key.
 * @throws ProbeError
 */
export async function openBastionSession(options: {
  bastion: BastionConfig;
  key: LoginKey;
  pinned: PinnedKeys;
  /** Ends the attempt; a session that is open it does not concern. */
  signal?: AbortSignal | undefined;
  /** 0 ≤ share < 1, so that those who were sent away do not come back together. */
  random?: () => number;
}): Promise<SshSession> {
  const { bastion, key, pinned, signal, random = Math.random } = options;
  const endMs = performance.now() + bastion.deadlines.bastionMs;
  for (let attempt = 0; ; attempt++) {
    const socket = reachBastion(bastion);
    const cut = () => socket.stream.destroy();
    signal?.addEventListener('abort', cut);
    try {
      const deadlineMs = attempt === 0 ? bastion.deadlines.bastionMs : endMs - performance.now();
      return await openSession({ ...socket, user: bastion.user, key, pinned, phase: 'bastion', deadlineMs });
    } catch (error) {
      if (!hungUp(error) || signal?.aborted) throw error;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * (0.5 + random());
      if (performance.now() + pauseMs >= endMs) throw sentAway(error, attempt + 1);
      await sleep(pauseMs, undefined, signal && { signal }).catch(() => {
        throw error;
      });
    } finally {
      signal?.removeEventListener('abort', cut);
    }
  }
}

function hungUp(error: unknown): error is ProbeError {
  return error instanceof ProbeError && error.failure.reason === 'protocol' && error.hostKey === undefined;
}

function sentAway(error: ProbeError, times: number): ProbeError {
  if (times === 1) return error;
  const { failure, cause } = error;
  const detail = `${failure.detail}, ${times} times; MaxStartups of its sshd may be too low for maxConnections of ours`;
  return probeError(failure.reason, failure.phase, detail, { cause });
}
