import { ConfigError, RetryableError } from '../errors.ts';
import type { Notification, Picture } from '../model/notification.ts';
import { asksToWait, SEND_TIMEOUT_MS } from '../notify/attempt.ts';
import type { Channel } from '../ports.ts';
import type { SendResult } from './record.ts';

export interface OfferPorts {
  channels: ReadonlyMap<string, Channel>;
  /** Where the caller's time is limited: ms that are left to send. Then `signal` aborts when that time is over. */
  remainingMs?: () => number;
}

export interface Offered {
  result: SendResult;
  /** Why the picture was left out of an accepted text. */
  pictureError?: unknown;
  /** The service may have refused the picture, and no time was left to send the text alone: the next try sends only that. */
  plainNext?: true;
}

/** Sends a message to its channel; once more without its picture where the service may have refused that. */
export async function offerMessage(
  notification: Notification,
  picture: Picture | undefined,
  ports: OfferPorts,
  signal: AbortSignal,
): Promise<Offered> {
  const result = await attemptSend(notification, picture, ports, signal);
  if (!picture || 'receipt' in result || !mayBeOfPicture(result.error)) return { result };
  const remainingMs = ports.remainingMs?.() ?? (signal.aborted ? 0 : Infinity);
  if (remainingMs < SEND_TIMEOUT_MS) return { result, plainNext: true };
  const alone = await attemptSend(notification, undefined, ports, signal);
  return 'receipt' in alone ? { result: alone, pictureError: result.error } : { result };
}

/**
 * Whether the service may have refused the picture. A gateway in front may also close the connection, answer 502, or not
 * answer a body that is too large for it. Not where we must wait, or mend our configuration.
 */
function mayBeOfPicture(error: unknown): boolean {
  if (error instanceof ConfigError) return false;
  return !asksToWait(error);
}

async function attemptSend(
  notification: Notification,
  picture: Picture | undefined,
  { channels }: OfferPorts,
  signal: AbortSignal,
): Promise<SendResult> {
  const channel = channels.get(notification.channel);
  if (!channel)
    return { error: new RetryableError(`channel ${notification.channel} is not configured any more`) };
  try {
    const timed = AbortSignal.any([signal, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
    return { receipt: await channel.send(notification, picture, { signal: timed }) };
  } catch (error) {
    return { error };
  }
}
