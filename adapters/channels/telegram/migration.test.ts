import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import { sampleNotification, samplePicture } from '../../../test/contract/notifications.ts';
import { createRecordingLogger } from '../../../test/recording-logger.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { telegram } from './telegram.ts';

const OLD = -4001;
const NEW = -1_001_234_567_890;
const MOVED = {
  ok: false,
  error_code: 400,
  description: 'Bad Request: group chat was upgraded to a supergroup chat',
  parameters: { migrate_to_chat_id: NEW },
};

let server: Server;
let asked: string[] = [];
/** What the service answers to a chat; by default the old group has moved, and takes nothing. */
let answer: (chat: string) => unknown;
const signal = new AbortController().signal;

beforeEach(async () => {
  asked = [];
  answer = (chat) =>
    chat === String(OLD) ? MOVED : { ok: true, result: { message_id: 7, username: 'bot', title: 'Ops' } };
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const type = request.headers['content-type'];
    const form =
      type && (await new Response(Uint8Array.from(body), { headers: { 'content-type': type } }).formData());
    const chat = form
      ? String(form.get('chat_id'))
      : (new URL(`http://h${request.url}`).searchParams.get('chat_id') ?? '');
    asked.push(`${request.url?.split('/')[2]?.split('?')[0]} ${chat}`);
    const answered = answer(chat) as { ok: boolean; error_code?: number };
    response.writeHead(answered.error_code ?? 200).end(JSON.stringify(answered));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

function create() {
  const logger = createRecordingLogger();
  const secrets = createSecrets({ baseDir: '/', env: { TOKEN: '123456:AAF-telegram-token' } });
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = telegram.options.parse({ token: '${env:TOKEN}', chatId: OLD, apiUrl });
  return { logger, channel: telegram.create(options, { secrets, clock: { nowMs: Date.now }, logger }) };
}

const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail('it was delivered'),
    (error) => error,
  );

describe('a group that became a supergroup', () => {
  it('is followed within the send, told of once, and remembered', async () => {
    const { channel, logger } = create();
    expect(await channel.send(sampleNotification(), samplePicture, { signal })).toEqual({
      id: '7',
      detail: 'sendPhoto: message 7',
    });
    expect(asked).toEqual([`sendPhoto ${OLD}`, `sendPhoto ${NEW}`]);
    await channel.send(sampleNotification(), undefined, { signal });
    expect(asked.slice(2)).toEqual([`sendMessage ${NEW}`]);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', `telegram: the group ${OLD} has become a supergroup; write \`chatId: ${NEW}\``],
    ]);
  });

  it('shows in `check --connect`', async () => {
    expect(await create().channel.verify?.({ signal })).toEqual({
      detail: 'bot @bot sees chat Ops',
      unclear: `the group ${OLD} has become a supergroup; write \`chatId: ${NEW}\``,
    });
  });

  it('is followed once, not in a circle', async () => {
    answer = () => MOVED;
    expect(await caught(create().channel.send(sampleNotification(), undefined, { signal }))).toBeInstanceOf(
      PermanentError,
    );
    expect(asked).toHaveLength(2);
  });
});

it.each([
  [400, 'Bad Request: chat not found', ConfigError, /chat not found: `chatId` is the number of the chat/],
  [404, 'Not Found', ConfigError, /does not know the bot's token; take it from @BotFather/],
  [401, 'Unauthorized', ConfigError, /does not know the bot's token/],
  [
    403,
    'Forbidden: bot was kicked from the supergroup chat',
    ConfigError,
    /kicked: the bot may not write there/,
  ],
  [403, 'Forbidden: bot was blocked by the user', ConfigError, /has blocked the bot/],
  [400, 'Bad Request: message thread not found', ConfigError, /`threadId` is no open topic/],
  [400, 'Bad Request: PHOTO_INVALID_DIMENSIONS', PermanentError, /PHOTO_INVALID_DIMENSIONS/],
  [500, 'Internal Server Error: chat not found', RetryableError, /answered 500/],
])('%i %s becomes plain words', async (code, description, type, expected) => {
  answer = () => ({ ok: false, error_code: code, description });
  const error = await caught(create().channel.send(sampleNotification(), undefined, { signal }));
  expect(error.constructor).toBe(type);
  expect(error.message).toMatch(expected);
});

it.each([
  [17, 17_000],
  [1e9, 86_400_000],
  [-3, undefined],
])('retry_after %s is a wait of %s ms', async (seconds, ms) => {
  answer = () => ({
    ok: false,
    error_code: 429,
    description: 'Too Many',
    parameters: { retry_after: seconds },
  });
  const error = await caught(create().channel.send(sampleNotification(), undefined, { signal }));
  expect(error).toMatchObject({ retryAfterMs: ms, rateLimited: true });
});
