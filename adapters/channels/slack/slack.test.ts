import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import { sampleNotification, samplePicture } from '../../../test/contract/notifications.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { createFakeSlack, type FakeSlack } from './fake-slack.fixture.ts';
import { slack } from './slack.ts';

const TOKEN = 'xoxb-7d1f-token';
const secrets = createSecrets({ baseDir: '/etc/bartizan', env: { TOKEN } });
const deps = { secrets, clock: { nowMs: Date.now } };
const bot = (apiUrl: string, options: Readonly<Record<string, unknown>> = {}) =>
  slack.create(slack.options.parse({ token: '${env:TOKEN}', channel: 'C1', apiUrl, ...options }), deps);

describe('the bot', () => {
  let fake: FakeSlack;
  let server: Server;
  let baseUrl: string;

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      fake.handle(
        { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body },
        response,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  function send(pollsUntilReady = 1) {
    fake = createFakeSlack({ token: TOKEN, channel: 'C1', host: () => baseUrl });
    fake.pollsUntilReady = pollsUntilReady;
    return bot(baseUrl).send(sampleNotification(), samplePicture, { signal: new AbortController().signal });
  }

  it('shows the picture inside the message, once Slack is done with it', async () => {
    const receipt = await send();
    expect(receipt.id).toBe('1700000000.000001');
    expect(fake.calls).toEqual([
      'files.getUploadURLExternal',
      'files.completeUploadExternal',
      'files.info',
      'files.info',
      'chat.postMessage',
    ]);
    expect(fake.posted).toHaveLength(1);
    expect(fake.posted[0]?.blocks.at(-1)).toEqual({
      type: 'image',
      slack_file: { id: 'F1' },
      alt_text: samplePicture.alt,
    });
  });

  it('lets the picture follow in the thread when it takes too long', async () => {
    const { detail } = await send(16);
    expect(detail).toBe('chat.postMessage: 1700000000.000001, its picture in the thread');
    expect(
      fake.posted.map(({ thread_ts, blocks }) => [thread_ts, blocks.some((b) => b.type === 'image')]),
    ).toEqual([
      [undefined, false],
      ['1700000000.000001', true],
    ]);
  });

  it('sends the text in time though the upload hangs', async () => {
    fake = createFakeSlack({ token: TOKEN, channel: 'C1', host: () => baseUrl });
    const { handle } = fake;
    fake.handle = (request, response) =>
      request.path.startsWith('/upload') ? undefined : handle(request, response);
    const beganMs = Date.now();
    const sent = bot(baseUrl).send(sampleNotification(), samplePicture, {
      signal: new AbortController().signal,
    });
    expect((await sent).detail).toMatch(/without its picture: /);
    expect(Date.now() - beganMs).toBeLessThan(scaledMs(6_000));
    expect(fake.posted).toHaveLength(1);
  });

  it.each([
    ['chat:write,files:write,files:read', /^bot bartizan of Example; whether it is in the channel/],
    ['chat:write, files:read', /no pictures, as it lacks files:write/],
    ['identify,bot:basic', /^bot bartizan of Example; whether it is in the channel/],
    ['files:write', /lacks the scope chat:write$/],
  ])('with the scopes %s is told as such', async (scopes, expected) => {
    fake = createFakeSlack({ token: TOKEN, channel: 'C1', host: () => baseUrl });
    fake.scopes = scopes;
    const verified = bot(baseUrl).verify?.({ signal: new AbortController().signal });
    const outcome = await verified?.then(
      ({ detail }) => detail,
      (error: Error) => error.message,
    );
    expect(outcome).toMatch(expected);
    expect(fake.posted).toEqual([]);
  });

  it('is asked to write an id where a name stands', async () => {
    fake = createFakeSlack({ token: TOKEN, channel: '#ops', host: () => baseUrl });
    const { signal } = new AbortController();
    expect(await bot(baseUrl, { channel: '#ops' }).verify?.({ signal })).toMatchObject({
      unclear: expect.stringContaining('write the id instead'),
    });
  });

  it('goes without its picture, blocks and all, when the picture is what is refused', async () => {
    fake = createFakeSlack({ token: TOKEN, channel: 'C1', host: () => baseUrl });
    const { handle } = fake;
    fake.handle = (request, response) =>
      request.path === '/chat.postMessage' && request.body.includes('slack_file')
        ? response.writeHead(200).end('{"ok":false,"error":"invalid_blocks"}')
        : handle(request, response);
    const sent = bot(baseUrl).send(sampleNotification(), samplePicture, {
      signal: new AbortController().signal,
    });
    expect((await sent).detail).toMatch(/, without its picture$/);
    const types = fake.posted.map(({ blocks }) => blocks.map(({ type }) => type));
    expect(types).toEqual([expect.arrayContaining(['header', 'section'])]);
    expect(types.flat()).not.toContain('image');
  });

  it.each([
    ['invalid_auth', ConfigError, /take the "Bot User OAuth Token"/],
    ['channel_not_found', ConfigError, /an id such as `C0123456789`.*, not a name/],
    ['not_in_channel', ConfigError, /write `\/invite @BOT` there/],
    ['missing_scope', ConfigError, /lacks a scope; add `chat:write`/],
    ['is_archived', ConfigError, /the channel is archived/],
    ['ratelimited', RetryableError, /ratelimited$/],
    ['what_is_new', RetryableError, /what_is_new$/],
    ['constructor', RetryableError, /constructor$/],
    ['msg_too_long', PermanentError, /msg_too_long$/],
  ])('turns %s into the right error', async (code, type, expected) => {
    fake = createFakeSlack({ token: TOKEN, channel: 'C1', host: () => baseUrl });
    fake.handle = (_, response) =>
      void response.writeHead(200).end(JSON.stringify({ ok: false, error: code }));
    const sent = bot(baseUrl).send(sampleNotification(), undefined, { signal: new AbortController().signal });
    const error = await sent.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(type);
    expect(String(error)).toContain(`slack chat.postMessage: ${code}`);
    expect((error as Error).message).toMatch(expected);
    expect((error as RetryableError).rateLimited ?? false).toBe(code === 'ratelimited');
  });
});
