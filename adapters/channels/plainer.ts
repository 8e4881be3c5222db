import { headline, plainText } from '../../core/message/text.ts';
import type { Notification } from '../../core/notify/model.ts';
import type { Logger } from '../../core/ports.ts';
import { LayoutError } from './answer.ts';

/** A way to say a notification, and what is missing from it. */
export interface Way<Body> {
  body: Body;
  without?: string;
}

/**
 * Sends the first way; one that is refused for its layout is followed by the next, plainer one at once. `note` says what
 * is missing of the one that was accepted. @throws what the last fails of
 */
export async function sendPlainer<Body, Result>(
  ways: readonly [Way<Body>, ...Way<Body>[]],
  send: (body: Body) => Promise<Result>,
  log: { logger: Pick<Logger, 'warn'> | undefined; service: string },
): Promise<{ result: Result; note: string }> {
  const [way, ...plainer] = ways;
  try {
    return { result: await send(way.body), note: way.without === undefined ? '' : `, ${way.without}` };
  } catch (error) {
    const [next, ...rest] = plainer;
    if (!(error instanceof LayoutError) || next === undefined) throw error;
    const how = next.without ?? 'plainer';
    log.logger?.warn(`message refused for its layout: sent once more, ${how}`, {
      service: log.service,
      error: error.message,
    });
    return sendPlainer([next, ...rest], send, log);
  }
}

/** The message as plain text within a limit, by leaving out whole alerts; `spell` writes it as the service wants it. */
export function plainWithin(
  notification: Notification,
  limit: number,
  spell: (text: string) => string = (text) => text,
): string {
  for (let most = Math.min(10, notification.alerts.length); most > 0; most--) {
    const text = spell(plainText(notification, most));
    if (text.length <= limit) return text;
  }
  return spell(headline(notification).slice(0, Math.floor(limit / 4)));
}
