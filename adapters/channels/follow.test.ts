// A picture that was drawn late follows its message as a reply, where the service knows replies.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import type { Channel, PictureForm, Receipt } from '../../core/ports.ts';
import { channelFixture, type ReceivedRequest } from '../../test/contract/channel-service.ts';
import { sampleNotification, samplePicture } from '../../test/contract/notifications.ts';
import type { ChannelAdapter } from './channel-adapter.ts';
import { CHANNELS, findChannelAdapter } from './registry.ts';
import { createFakeSlack } from './slack/fake-slack.fixture.ts';

const TOKEN = 'follow-token-5512';
const signal = new AbortController().signal;
const deps = {
  secrets: {
    resolve: async (text: string) => text.replace('${env:TOKEN}', TOKEN),
    redact: (text: string) => text.replaceAll(TOKEN, '<secret>'),
  },
  clock: { nowMs: Date.now },
};
const adapterOf = (type: string) => findChannelAdapter(type) as ChannelAdapter;
const open = (type: string, options: Record<string, unknown>): Channel => {
  const adapter = adapterOf(type);
  return adapter.create(adapter.options.parse(options), deps);
};

let server: Server;
let baseUrl: string;
let handle: (request: ReceivedRequest, response: ServerResponse) => unknown;

beforeEach(async () => {
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const { method = '', url = '', headers } = request;
    await handle({ method, path: url, headers, body }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);

const json = (response: ServerResponse, status: number, body: unknown) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const formOf = ({ headers, body }: ReceivedRequest) =>
  new Response(new Uint8Array(body), {
    headers: { 'content-type': String(headers['content-type']) },
  }).formData();

/** The text, then its picture; gives what both were answered by. */
async function sendAndFollow(channel: Channel, to?: Receipt) {
  const sent = await channel.send(sampleNotification(), undefined, { signal });
  const followed = await channel.follow?.(samplePicture, to ?? sent, sampleNotification(), { signal });
  return { sent, followed };
}

describe('slack', () => {
  function openSlack(pollsUntilReady: number) {
    const fake = createFakeSlack({ token: TOKEN, channel: 'C1', host: () => baseUrl });
    fake.pollsUntilReady = pollsUntilReady;
    handle = fake.handle;
    return { fake, channel: open('slack', { token: '${env:TOKEN}', channel: 'C1', apiUrl: baseUrl }) };
  }

  it('uploads it, and shows it in the thread of the message', async () => {
    const { fake, channel } = openSlack(1);
    const { sent, followed } = await sendAndFollow(channel);
    const shown = { type: 'image', slack_file: { id: 'F1' }, alt_text: samplePicture.alt };
    expect(fake.posted[0]?.blocks).not.toContainEqual(expect.objectContaining({ type: 'image' }));
    expect(fake.posted[1]).toMatchObject({ thread_ts: sent.id, text: samplePicture.alt, blocks: [shown] });
    expect(followed).toMatchObject({ id: sent.id, picture: 'followed' });
  });

  it('says so when there is no such thread', async () => {
    const { channel } = openSlack(1);
    await expect(sendAndFollow(channel, { id: '1.2', detail: '' })).rejects.toThrow(
      /without its picture: .*thread_not_found/,
    );
  });
});

describe('telegram', () => {
  const answers: FormData[] = [];
  beforeEach(() => {
    answers.length = 0;
    handle = async (request, response) => {
      const method = request.path.split('/').at(-1);
      if (request.path !== `/bot${TOKEN}/${method}`) return json(response, 401, { ok: false });
      const form = await formOf(request);
      if (form.get('chat_id') !== '-1001') return json(response, 400, { ok: false });
      const to = JSON.parse(String(form.get('reply_parameters') ?? 'null')) as {
        message_id?: unknown;
      } | null;
      const right =
        to === null ? method === 'sendMessage' : method === 'sendPhoto' && Number.isInteger(to.message_id);
      if (!right || (to && !(form.get('photo') instanceof Blob))) return json(response, 400, { ok: false });
      answers.push(form);
      json(response, 200, { ok: true, result: { message_id: 41 + answers.length } });
    };
  });
  const channel = () =>
    open('telegram', { token: '${env:TOKEN}', chatId: -1001, threadId: 7, apiUrl: baseUrl });

  it('sends it as a silent reply within the topic, and does not fail with a message that is gone', async () => {
    const { sent, followed } = await sendAndFollow(channel());
    const [, reply] = answers;
    expect([sent.id, reply?.get('message_thread_id'), reply?.get('disable_notification')]).toEqual([
      '42',
      '7',
      'true',
    ]);
    expect(JSON.parse(String(reply?.get('reply_parameters')))).toEqual({
      message_id: 42,
      allow_sending_without_reply: true,
    });
    expect(reply?.has('caption')).toBe(false);
    expect(followed).toEqual({
      id: '42',
      picture: 'followed',
      detail: 'its picture in a reply, message 43',
    });
  });

  it('does not send a photo that Telegram would not take', async () => {
    const large = { ...samplePicture, png: new Uint8Array(10 * 1024 * 1024 + 1) };
    const to = { id: '42', detail: '' };
    await expect(channel().follow?.(large, to, sampleNotification(), { signal })).rejects.toThrow(
      PermanentError,
    );
    const sent = await channel().send(sampleNotification(), large, { signal });
    expect(sent).toMatchObject({ picture: 'failed' });
  });
});

describe('mattermost', () => {
  const posts: { channel_id: string; message: string; file_ids: string[]; root_id?: string }[] = [];
  let accepts = true;
  beforeEach(() => {
    posts.length = 0;
    accepts = true;
    const files = new Set<string>();
    handle = async (request, response) => {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) return json(response, 401, {});
      if (request.path === '/api/v4/files') {
        const form = await formOf(request);
        if (!accepts || form.get('channel_id') !== 'ch1' || !(form.get('files') instanceof Blob))
          return json(response, 413, {});
        files.add(`file${files.size}`);
        return json(response, 201, { file_infos: [{ id: `file${files.size - 1}` }] });
      }
      const post = JSON.parse(request.body.toString()) as (typeof posts)[number];
      const roots = posts.flatMap((one, i) => (one.root_id === undefined ? [`post${i + 1}`] : []));
      const rooted = post.root_id === undefined || roots.includes(post.root_id);
      const filled = post.message !== '' || post.file_ids.length > 0;
      if (post.channel_id !== 'ch1' || !rooted || !filled || post.file_ids.some((id) => !files.delete(id)))
        return json(response, 400, {});
      posts.push(post);
      json(response, 201, { id: `post${posts.length}` });
    };
  });
  const channel = () => open('mattermost', { url: baseUrl, token: '${env:TOKEN}', channelId: 'ch1' });

  it('uploads it, and posts it as a reply', async () => {
    const { followed } = await sendAndFollow(channel());
    expect(posts.map(({ root_id, file_ids }) => [root_id, file_ids])).toEqual([
      [undefined, []],
      ['post1', ['file0']],
    ]);
    expect(followed).toEqual({ id: 'post1', picture: 'followed', detail: 'its picture in reply post2' });
  });

  it('says so when the upload is refused, with the text and after it', async () => {
    accepts = false;
    const sent = await channel().send(sampleNotification(), samplePicture, { signal });
    expect(sent).toMatchObject({ id: 'post1', picture: 'failed' });
    await expect(channel().follow?.(samplePicture, sent, sampleNotification(), { signal })).rejects.toThrow(
      '413',
    );
  });
});

it.each(CHANNELS.map(({ type }) => type))(
  'a picture follows in %s if its service knows replies',
  async (type) => {
    const { services, follows } = await channelFixture(type);
    expect(open(type, services[0].options('http://127.0.0.1:1')).follow !== undefined).toBe(follows);
  },
);

it.each<[string, Record<string, unknown>, PictureForm]>([
  ['webhook', {}, 'bytes'],
  ['webhook', { picture: 'multipart' }, 'bytes'],
  ['webhook', { picture: 'url' }, 'address'],
  ['webhook', { picture: 'none' }, 'none'],
  ['slack-webhook', { picture: 'url' }, 'address'],
  ['slack-webhook', { picture: 'none' }, 'none'],
  ['mattermost-webhook', { picture: 'url' }, 'address'],
  ['mattermost-webhook', { picture: 'none' }, 'none'],
  ['slack', {}, 'bytes'],
  ['telegram', {}, 'bytes'],
  ['mattermost', {}, 'bytes'],
])('%s with %j asks for %s', (type, options, form) => {
  const adapter = adapterOf(type);
  expect(adapter.shows(adapter.options.parse({ ...adapter.example, ...options }))).toBe(form);
});

it.each(CHANNELS.map(({ type }) => type))('an error of a reply in %s holds no secret', async (type) => {
  handle = (request, response) =>
    void response.writeHead(500).end(`${request.path} ${JSON.stringify(request.headers)}`);
  const { services, follows } = await channelFixture(type);
  if (!follows) return;
  const failed = await open(type, services[0].options(baseUrl))
    .follow?.(samplePicture, { id: '1', detail: '' }, sampleNotification(), { signal })
    .catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(RetryableError);
  expect((failed as Error).message).not.toContain(TOKEN);
});
