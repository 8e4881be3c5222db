import { findReferences } from '../../core/config/secret-text.ts';
import { describeError, RetryableError } from '../../core/errors.ts';
import type { Clock, Logger, Meter, Secrets } from '../../core/ports.ts';
import { sendRequest } from '../http/request.ts';
import { withRenewedSecrets } from '../secrets/renewal.ts';

export interface Heartbeat {
  /** Call it after each round: calls the address, unless a call is under way. Resolves when the call has ended. */
  beat(): Promise<void>;
}

/** Limit of one try, so that two take at most ten seconds. */
const TIMEOUT_MS = 5_000;

/**
 * Calls an address after each completed round (healthchecks.io, Alertmanager's dead man's switch, another monitor), so
 * that somebody else notices when this process stops. A failed call does not throw; it is logged once until a call succeeds.
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
  // An address written into the file is as secret as one that is a reference.
  if (findReferences(url).length === 0) secrets.hide?.(url);
  let calling: Promise<void> | undefined;
  let failing = false;

  /** Tries twice: a lost packet must not look like a missed round. */
  async function callTwice(address: string): Promise<void> {
    const request = { method: 'GET', url: address, headers: {}, timeoutMs: TIMEOUT_MS, signal } as const;
    const send = () => sendRequest(request, { nowMs: clock.nowMs, redact: secrets.redact });
    try {
      await send();
    } catch (error) {
      if (!(error instanceof RetryableError) || signal.aborted) throw error;
      await send();
    }
  }

  async function call(): Promise<void> {
    try {
      await withRenewedSecrets({ secrets, references: [url], what: 'heartbeat', logger }, async () => {
        const address = await secrets.resolve(url);
        secrets.hide?.(address);
        await callTwice(address);
      });
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
