import { z } from 'zod';
import { durationSchema } from '../../../core/config/duration.ts';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { RetryableError } from '../../../core/errors.ts';
import { type HttpAnswer, sendRequest } from '../../http.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { render } from './text.ts';

/** The text waits this long for the upload. */
const UPLOAD_WITHIN_MS = 3_000;

const optionsSchema = z.strictObject({
  url: z.url().describe('Address of the Mattermost server'),
  token: secretSchema.describe('Access token of a bot account, a reference'),
  channelId: z.string().min(1).describe('Id of the channel, from its "View Info"'),
  timeout: durationSchema.prefault('15s').describe('How long each answer is waited for'),
});

export type MattermostOptions = z.infer<typeof optionsSchema>;

/**
 * Uploads the picture, then posts with it (https://developers.mattermost.com/api-documentation/#/operations/CreatePost). A
 * file id serves one post only, so a retry uploads again. An upload that fails does not stop the text.
 */
export const mattermost: ChannelAdapter<MattermostOptions> = {
  type: 'mattermost',
  title: 'Mattermost (bot)',
  about: 'A bot account with an access token uploads the chart and posts with it.',
  example: {
    url: 'https://chat.example.net',
    token: '${env:MATTERMOST_TOKEN}',
    channelId: 'w8tzf5jb6pyq5jxq3zq8r1n6me',
  },
  options: optionsSchema as z.ZodType<MattermostOptions>,
  needs: ({ token, url }) => ({ secrets: [token], egress: [new URL(url).host] }),
  shows: () => 'bytes',
  preview: (notification, picture) =>
    `${picture ? `post with a file (${picture.png.length} bytes):` : 'post:'}\n${render(notification)}`,
  create(options, { secrets, clock }) {
    const base = `${options.url.replace(/\/$/, '')}/api/v4`;
    const deps = { nowMs: clock.nowMs, redact: secrets.redact };
    return {
      async verify({ signal }) {
        const token = await secrets.resolve(options.token);
        const timeoutMs = options.timeout;
        const headers = { authorization: `Bearer ${token}` };
        const get = async (path: string) =>
          jsonOf(
            await sendRequest({ method: 'GET', url: `${base}${path}`, headers, timeoutMs, signal }, deps),
          ) as Record<string, unknown>;
        const me = await get('/users/me');
        const channel = await get(`/channels/${encodeURIComponent(options.channelId)}`);
        return { detail: `${me.username} sees channel ${channel.display_name}` };
      },
      async send(notification, picture, { signal }) {
        const token = await secrets.resolve(options.token);
        const post = (
          path: string,
          body: FormData | string,
          headers: Record<string, string>,
          within: AbortSignal,
        ) => {
          const all = { authorization: `Bearer ${token}`, ...headers };
          const request = {
            method: 'POST',
            url: `${base}${path}`,
            headers: all,
            body,
            timeoutMs: options.timeout,
            signal: within,
          } as const;
          return sendRequest(request, deps);
        };
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(UPLOAD_WITHIN_MS)]);
        const upload = async (png: Uint8Array): Promise<string | undefined> => {
          const form = new FormData();
          form.set('channel_id', options.channelId);
          form.set('files', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'chart.png');
          const { file_infos: files } = jsonOf(await post('/files', form, {}, inTime)) as {
            file_infos?: { id?: string }[];
          };
          return files?.[0]?.id;
        };
        // Whatever an upload fails of, the post fails of too, or goes without it.
        const fileId = picture && (await upload(picture.png).catch(() => undefined));
        const body = {
          channel_id: options.channelId,
          message: render(notification),
          file_ids: fileId ? [fileId] : [],
        };
        const headers = { 'content-type': 'application/json' };
        const { id } = jsonOf(await post('/posts', JSON.stringify(body), headers, signal)) as { id?: string };
        const without = picture && !fileId ? ', without its picture: the upload failed' : '';
        return { id, detail: `post ${id}${without}` };
      },
    };
  },
};

function jsonOf(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch {
    throw new RetryableError('mattermost: the answer is no JSON');
  }
}
