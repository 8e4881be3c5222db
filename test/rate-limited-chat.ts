// A chat service that takes one message in so long, and answers 429 to all others, as strictly as a service may.

import { RetryableError } from '../core/errors.ts';
import type { Notification } from '../core/model/notification.ts';
import type { Destination } from '../core/model/pace.ts';
import type { Channel, Clock } from '../core/ports.ts';

export interface RateLimitedChat {
  channel: Channel;
  taken: { notification: Notification; atMs: number }[];
  /** The times of answers with 429. */
  refused: number[];
  /** Answers 429 to everything. */
  closed: boolean;
}

export function createRateLimitedChat(options: {
  clock: Clock;
  everyMs: number;
  /** The pace that its channel declares; by default none. */
  destination?: Destination;
  retryAfterMs?: number;
}): RateLimitedChat {
  const { clock, everyMs, destination, retryAfterMs = 1_000 } = options;
  let nextMs = 0;
  const chat: RateLimitedChat = {
    taken: [],
    refused: [],
    closed: false,
    channel: {
      shows: 'none',
      ...(destination && { destination: async () => destination }),
      async send(notification) {
        const nowMs = clock.nowMs();
        if (chat.closed || nowMs < nextMs) {
          chat.refused.push(nowMs);
          throw new RetryableError('chat answered 429', { retryAfterMs, rateLimited: true });
        }
        nextMs = nowMs + everyMs;
        chat.taken.push({ notification, atMs: nowMs });
        return { detail: 'accepted' };
      },
    },
  };
  return chat;
}
