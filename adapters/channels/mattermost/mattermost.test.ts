import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import type { Behaviour } from '../../../test/contract/channel-service.ts';
import { sampleAlert, sampleNotification, samplePicture } from '../../../test/contract/notifications.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { createFakeMattermost } from './fake-mattermost.fixture.ts';
import { mattermost } from './mattermost.ts';
import { mattermostWebhook } from './mattermost-webhook.ts';
import { POST_LIMIT, render } from './text.ts';

const TOKEN = 'mm-token-4411';
const secrets = createSecrets({ baseDir: '/etc/bartizan', env: { TOKEN } });
const { signal } = new AbortController();
const deps = { secrets, clock: { nowMs: Date.now } };

async function serve(accept: Behaviour): Promise<{ url: string; stop: () => void }> {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const { method = '', url = '', headers } = request;
    await accept({ method, path: url, headers, body }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => void server.close() };
}

it('the bot posts with the file it has uploaded, a new one each time', async () => {
  const fake = createFakeMattermost(TOKEN);
  const { url, stop } = await serve(fake.handle);
  const options = mattermost.options.parse({ url, token: '${env:TOKEN}', channelId: 'ch1' });
  const channel = mattermost.create(options, deps);
  for (let i = 0; i < 2; i++) await channel.send(sampleNotification(), samplePicture, { signal });
  stop();
  expect(fake.posts.map((post) => post.file_ids)).toEqual([['file1'], ['file2']]);
});

it('the webhook names the picture where readers can fetch it', async () => {
  const received: unknown[] = [];
  const { url, stop } = await serve(({ body }, response) => {
    received.push(JSON.parse(body.toString('utf8')));
    response.end('ok');
  });
  const secretsOfHook = createSecrets({ baseDir: '/', env: { HOOK: url } });
  const options = mattermostWebhook.options.parse({ url: '${env:HOOK}' });
  const channel = mattermostWebhook.create(options, { ...deps, secrets: secretsOfHook });
  await channel.send(sampleNotification(), samplePicture, { signal });
  stop();
  expect(received).toMatchObject([
    {
      text: render(sampleNotification()),
      attachments: [{ color: '#ff6b6b', fallback: samplePicture.alt, image_url: samplePicture.url }],
    },
  ]);
});

it.each([
  [401, 'api.context.session_expired.app_error', ConfigError, /does not know the token/],
  [404, 'app.channel.get.existing.app_error', ConfigError, /`channelId` is the id of 26 letters and digits/],
  [400, 'api.context.invalid_url_param.app_error', ConfigError, /not the name/],
  [403, 'api.context.permissions.app_error', ConfigError, /add it to the channel/],
  [400, 'api.some.other.app_error', PermanentError, /api\.some\.other/],
  [500, 'app.channel.get.existing.app_error', RetryableError, /answered 500/],
])('turns %i %s into the right error', async (status, id, type, expected) => {
  const server = createServer((_, response) => response.writeHead(status).end(JSON.stringify({ id })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = mattermost.options.parse({ url, token: '${env:TOKEN}', channelId: 'town-square' });
  const channel = mattermost.create(options, deps);
  for (const ask of [
    () => channel.send(sampleNotification(), undefined, { signal }),
    () => channel.verify?.({ signal }),
  ]) {
    const error = await ask()?.then(
      () => expect.fail('it was accepted'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(expected);
  }
  server.close();
});

describe('the text', () => {
  it('says all of a notification, every name literal', () => {
    expect(render(sampleNotification())).toBe(
      [
        '🔴 **FIRING critical · Memory usage\\: 한빛\\-\\<prod\\>\\&"db" / 노드\\-1 \\*\\_\\[\\`**',
        '  2026\\-11\\-24 18\\:10\\:02 Asia/Seoul · first message',
        '✖ 노드\\-1 \\*\\_\\[\\` has used 94\\.1% of its memory for 10m',
        '  한빛\\-\\<prod\\>\\&"db" / 노드\\-1 \\*\\_\\[\\` · since 18\\:00\\:00, fired 18\\:10\\:00',
        '[Runbook](<https://runbooks.example.net/memory>)',
      ].join('\n'),
    );
  });

  it('calls nobody', () => {
    const labels = { cluster: '@channel', node: '@here' };
    expect(render(sampleNotification({ alerts: [sampleAlert({ labels })] }))).not.toMatch(/@(?!\u200b)/);
  });

  it('stays within a post, by leaving out whole alerts', () => {
    const alerts = Array.from({ length: 300 }, (_, i) => sampleAlert({ alertId: `a${i}` }));
    const text = render(sampleNotification({ alerts }));
    expect(text.length).toBeLessThanOrEqual(POST_LIMIT);
    expect(text).toMatch(/\nand \d+ more\n/);
    const long = sampleAlert({ labels: { cluster: '*'.repeat(20_000) }, summary: '*'.repeat(20_000) });
    expect(render(sampleNotification({ alerts: [long] })).length).toBeLessThanOrEqual(POST_LIMIT);
  });
});
