import type { Logger } from '../../core/ports.ts';
import { LayoutError } from './answer.ts';

/** One layout of a message. `without` says what it lacks, such as `without its picture`. */
export interface Layout<Body> {
  body: Body;
  without?: string;
}

/**
 * Sends the first layout; when the service refuses it as a layout, sends the next, plainer one at once. `note` says what
 * the accepted one lacks. @throws the error of the last layout
 */
export async function sendInLayouts<Body, Result>(
  layouts: readonly [Layout<Body>, ...Layout<Body>[]],
  send: (body: Body) => Promise<Result>,
  log: { logger: Pick<Logger, 'warn'> | undefined; service: string },
): Promise<{ result: Result; note: string }> {
  const [way, ...plainer] = layouts;
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
    return sendInLayouts([next, ...rest], send, log);
  }
}
