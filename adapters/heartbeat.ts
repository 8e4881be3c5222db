import { findReferences } from '../core/config/secret-text.ts';
import { describeError } from '../core/errors.ts';
import type { Clock, Logger, Meter, Secrets } from '../core/ports.ts';
import { sendRequest } from './http.ts';

export interface Heartbeat {
  /** A round was completed: tell the watcher, unless the last call is still under way. Resolves when it is over. */
  beat(): Promise<void>;
}

const TIMEOUT_MS = 10_000;

/**
 * Calls an address after each completed round (healthchecks.io, Alertmanager's dead man's switch, another monitor), so
 * that somebody else notices when we no longer can. A call that fails throws nothing, and is logged once until one
 * succeeds.
 */
export function createHeartbeat(options: {
  /** `server.heartbeat`, references unresolved. */
  url: string;
  secrets: Secrets;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  /** Ends a call under way. */
  signal?: AbortSignal;
}): Heartbeat {
  const { url, secrets, clock, logger, meter, signal = new AbortController().signal } = options;
  // Written into the file, it is as secret as one that is referred to.
  if (findReferences(url).length === 0) secrets.hide?.(url);
  let calling: Promise<void> | undefined;
  let failing = false;

  async function call(): Promise<void> {
    try {
      const address = await secrets.resolve(url);
      secrets.hide?.(address);
      const request = { method: 'GET', url: address, headers: {}, timeoutMs: TIMEOUT_MS, signal } as const;
      await sendRequest(request, { nowMs: clock.nowMs, redact: secrets.redact });
      meter.count('heartbeats_total', { outcome: 'ok' });
      failing = false;
    } catch (error) {
      if (signal.aborted) return;
      meter.count('heartbeats_total', { outcome: 'failed' });
      if (!failing) logger.warn('heartbeat not accepted', { error: secrets.redact(describeError(error)) });
      failing = true;
    }
  }

  return {
    beat() {
      calling ??= call().finally(() => {
        calling = undefined;
      });
      return calling;
    },
  };
}
