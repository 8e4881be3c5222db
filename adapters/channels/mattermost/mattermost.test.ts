import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import { describeChannel, type ReceivedRequest } from '../../../test/contract/channel.ts';
import { sampleAlert, sampleNotification, samplePicture } from '../../../test/contract/notifications.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { mattermost } from './mattermost.ts';
import { mattermostWebhook } from './mattermost-webhook.ts';
import { POST_LIMIT, render } from './text.ts';

const TOKEN = 'mm-token-4411';
const HOOK_PATH = '/hooks/mm-hook-77Kq3z';
const env = { TOKEN, HOOK: '' };
const secrets = createSecrets({ baseDir: '/etc/bartizan', env });
const deps = { secrets, clock: { nowMs: Date.now } };

/** As strict as the API: token, channel, an id of a file that was uploaded and not used, the size of a post. */
function createFakeMattermost() {
  const files = new Set<string>();
  let uploads = 0;
  const posts: { message: string; file_ids: string[] }[] = [];
  async function handle(request: ReceivedRequest, response: ServerResponse): Promise<void> {
    const answer = (status: number, body: unknown) =>
      void response.writeHead(status).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return answer(401, { id: 'api.context.session_expired.app_error' });
    if (request.method === 'GET') {
      if (request.path === '/api/v4/users/me') return answer(200, { id: 'u1', username: 'bartizan' });
      if (request.path === '/api/v4/channels/ch1') return answer(200, { id: 'ch1', display_name: 'Ops' });
      return answer(404, { id: 'app.channel.get.existing.app_error' });
    }
    if (request.path === '/api/v4/files') {
      const headers = { 'content-type': String(request.headers['content-type']) };
      const form = await new Response(new Uint8Array(request.body), { headers }).formData();
      if (form.get('channel_id') !== 'ch1' || !(form.get('files') instanceof Blob)) return answer(400, {});
      const id = `file${++uploads}`;
      files.add(id);
      return answer(201, { file_infos: [{ id }] });
    }
    const post = JSON.parse(request.body.toString('utf8')) as {
      channel_id: string;
      message: string;
      file_ids: string[];
    };
    if (post.channel_id !== 'ch1') return answer(404, {});
    if (post.message.length > POST_LIMIT || post.file_ids.some((id) => !files.delete(id)))
      return answer(400, {});
    posts.push(post);
    answer(201, { id: `post${posts.length}` });
  }
  return { posts, handle };
}

const fake = createFakeMattermost();

/** What Mattermost makes links and mentions of: some in the source, some in what is left of it without backslashes. */
function mattermostTemptations(source: string): string[] {
  const shown = source.replace(/\\([!-/:-@[-`{-~])/g, '$1');
  const inSource = /(?:https?|ftp|tg):\/\/|\bwww\.|(?<!\\)\[[^\]]*\]\(|(?<!\\)<\w|(?<!\w)@\w+/g;
  const inShown = /(?<!\w)[@~#][\w-]+|\w@\w+\.\w+/g;
  return [...source.matchAll(inSource), ...shown.matchAll(inShown)].map(([found]) => found);
}

describeChannel('mattermost', {
  create: (url, options) =>
    mattermost.create(
      mattermost.options.parse({ url, token: '${env:TOKEN}', channelId: 'ch1', ...options }),
      deps,
    ),
  accept: fake.handle,
  answers: 'read',
  temptations: ({ body }) => mattermostTemptations(JSON.parse(body.toString('utf8')).message),
  layout: {
    refuse(request, response) {
      if (request.path !== '/api/v4/posts') return fake.handle(request, response);
      return response.writeHead(400).end('{"id":"model.post.is_valid.msg.app_error"}');
    },
    isPlain: ({ path, body }) => path === '/api/v4/posts' && !body.includes('**'),
  },
  stable: (text) => text.replaceAll(/file\d+/g, 'FILE'),
  verifies: ['/api/v4/users/me', '/api/v4/channels/ch1'],
  secrets: () => [TOKEN],
});

it('the bot posts with the file it has uploaded, a new one each time', () => {
  const ids = fake.posts.flatMap((post) => post.file_ids);
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids).size).toBe(ids.length);
});

const received: unknown[] = [];
describeChannel('mattermost-webhook', {
  create(baseUrl, options) {
    env.HOOK = `${baseUrl}${HOOK_PATH}`;
    return mattermostWebhook.create(
      mattermostWebhook.options.parse({ url: '${env:HOOK}', ...options }),
      deps,
    );
  },
  accept(request, response) {
    received.push(JSON.parse(request.body.toString('utf8')));
    response.writeHead(request.path === HOOK_PATH ? 200 : 404).end('ok');
  },
  verifies: [],
  secrets: () => [env.HOOK],
  answers: 'read',
  temptations: ({ body }) => mattermostTemptations(JSON.parse(body.toString('utf8')).text),
  layout: {
    refuse: (_, response) =>
      response.writeHead(400).end('{"id":"web.incoming_webhook.text.app_error","status_code":400}'),
    isPlain: ({ body }) => !body.includes('attachments'),
  },
});

it('the webhook names the picture where readers can fetch it', () => {
  expect(received.at(-1)).toMatchObject({
    text: render(sampleNotification()),
    attachments: [{ color: '#ff6b6b', fallback: samplePicture.alt, image_url: samplePicture.url }],
  });
});

it.each([
  [401, 'api.context.session_expired.app_error', ConfigError, /does not know the token/],
  [404, 'app.channel.get.existing.app_error', ConfigError, /`channelId` is the id of 26 letters and digits/],
  [400, 'api.context.invalid_url_param.app_error', ConfigError, /not the name/],
  [403, 'api.context.permissions.app_error', ConfigError, /add it to the channel/],
  [400, 'api.some.other.app_error', PermanentError, /api\.some\.other/],
  [500, 'app.channel.get.existing.app_error', RetryableError, /answered 500/],
])('turns %i %s into the right error', async (status, id, type, words) => {
  const server = createServer((_, response) => response.writeHead(status).end(JSON.stringify({ id })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = mattermost.options.parse({ url, token: '${env:TOKEN}', channelId: 'town-square' });
  const channel = mattermost.create(options, deps);
  const { signal } = new AbortController();
  for (const ask of [
    () => channel.send(sampleNotification(), undefined, { signal }),
    () => channel.verify?.({ signal }),
  ]) {
    const error = await ask()?.then(
      () => expect.fail('it was accepted'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(words);
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
