// Shared by make-local.ts and make-cloud.ts: the code of the checkout, and where data is written.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { answerOf, MINUTE, START, TOO_LATE } from './story.ts';

// biome-ignore lint/suspicious/noExplicitAny: the code of another commit has no types here.
export type Untyped = any;

export const [CHECKOUT = ''] = process.argv.slice(2);
export const DATA = join(import.meta.dirname, 'data');

/** A file of the checkout. */
export const code = (file: string): Promise<Untyped> => import(resolve(CHECKOUT, file));
const { RetryableError, PermanentError } = await code('core/errors.ts');
const { render } = await code('adapters/channels/webhook/payload.ts');

/** Whether the store refuses that sample as too late. */
export const isTooLate = ({ metric, labels, timeMs }: Untyped): boolean =>
  metric === TOO_LATE.metric && labels.node === TOO_LATE.node && timeMs === START + TOO_LATE.minute * MINUTE;

/** Webhooks that answer as in the story; `messages` takes the bodies that they accepted. */
export function channelOf(clock: { nowMs(): number }, messages: unknown[]): Untyped {
  return {
    shows: 'none',
    async send(notification: Untyped) {
      const answer = answerOf(notification.channel, clock.nowMs());
      if (answer === 'fails') throw new RetryableError('it answered 503');
      if (answer === 'refuses') throw new PermanentError('it answered 400');
      messages.push(render(notification, undefined, { picture: 'none' }));
      return { id: `${messages.length}`, detail: 'accepted' };
    },
  };
}

export function save(name: string, bytes: Uint8Array): void {
  writeFileSync(join(DATA, name), gzipSync(bytes, { level: 9 }));
}

export function saveJson(name: string, value: unknown): void {
  save(name, Buffer.from(JSON.stringify(value)));
}
