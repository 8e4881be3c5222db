import { z } from 'zod';
import { durationSchema } from '../../../core/config/duration.ts';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { RetryableError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/notify/model.ts';
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
  about: `A bot account with an access token uploads the chart and posts with it. A chart that is drawn late follows as a reply to the
post.`,
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
        const api = await openApi(signal);
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(UPLOAD_WITHIN_MS)]);
        // Whatever an upload fails of, the post fails of too, or goes without it.
        const fileId = picture && (await api.upload(picture, inTime).catch(() => undefined));
        const id = await api.post({ message: render(notification), file_ids: fileId ? [fileId] : [] });
        if (!picture || fileId) return { id, detail: `post ${id}` };
        return { id, picture: 'failed', detail: `post ${id}, without its picture: the upload failed` };
      },
      // https://developers.mattermost.com/api-documentation/#/operations/CreatePost: root_id is the post that is answered.
      async follow(picture, { id: root_id }, _, { signal }) {
        const api = await openApi(signal);
        const fileId = await api.upload(picture, signal);
        if (fileId === undefined)
          throw new RetryableError('mattermost: the answer to an upload names no file');
        const id = await api.post({ message: '', file_ids: [fileId], root_id });
        return { id: root_id, picture: 'followed', detail: `its picture in reply ${id}` };
      },
    };

    async function openApi(signal: AbortSignal) {
      const token = await secrets.resolve(options.token);
      const ask = async (
        path: string,
        body: FormData | string,
        headers: Record<string, string>,
        within: AbortSignal,
      ) => {
        const all = { authorization: `Bearer ${token}`, ...headers };
        const url = `${base}${path}`;
        const timeoutMs = options.timeout;
        return jsonOf(
          await sendRequest({ method: 'POST', url, headers: all, body, timeoutMs, signal: within }, deps),
        );
      };
      return {
        async upload({ png }: Picture, within: AbortSignal): Promise<string | undefined> {
          const form = new FormData();
          form.set('channel_id', options.channelId);
          form.set('files', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'chart.png');
          const { file_infos: files } = (await ask('/files', form, {}, within)) as {
            file_infos?: { id?: string }[];
          };
          return files?.[0]?.id;
        },
        async post(fields: { message: string; file_ids: string[]; root_id?: string }) {
          const body = JSON.stringify({ channel_id: options.channelId, ...fields });
          const headers = { 'content-type': 'application/json' };
          return ((await ask('/posts', body, headers, signal)) as { id?: string }).id;
        },
      };
    }
  },
};

function jsonOf(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch {
    throw new RetryableError('mattermost: the answer is no JSON');
  }
}
