import { z } from 'zod';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { durationSchema } from '../../../core/duration.ts';
import { RetryableError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/model/notification.ts';
import { parseJson } from '../../http/json-body.ts';
import { hideLogin, networkFields, networkOf } from '../../http/network.ts';
import { cleanLine, type HttpResponse, sendRequest } from '../../http/request.ts';
import { acceptsField, unclearAnswer } from '../answer.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { sendInLayouts } from '../layouts.ts';
import { plainWithin } from '../message-text.ts';
import { serverOf } from './pace.ts';
import { mattermostRefusal } from './refusals.ts';
import { literal, PLAIN_LIMIT, render } from './text.ts';

/** The text waits this long for the upload. */
const UPLOAD_WITHIN_MS = 3_000;

const optionsSchema = z.strictObject({
  url: z.url().describe('Address of the Mattermost server'),
  token: secretSchema.describe('Access token of a bot account, a reference'),
  channelId: z.string().min(1).describe('Id of the channel, from its "View Info"'),
  timeout: durationSchema.prefault('15s').describe('How long each answer is waited for'),
  ...acceptsField,
  ...networkFields,
});

export type MattermostOptions = z.infer<typeof optionsSchema>;

/**
 * Uploads the picture, then posts with it (https://developers.mattermost.com/api-documentation/#/operations/CreatePost). A
 * file id serves one post only, so a retry uploads again. An upload that fails does not stop the text.
 */
export const mattermost: ChannelAdapter<MattermostOptions> = {
  type: 'mattermost',
  title: 'Mattermost (bot)',
  about: `A bot account with an access token uploads the chart and posts with it. A chart that is drawn late follows as a reply to
the post. Mattermost answers the post with its \`id\` when it
has it. At most ten messages a second go to one server, what Mattermost takes by default where its limit is on.`,
  example: {
    url: 'https://chat.example.net',
    token: '${env:MATTERMOST_TOKEN}',
    channelId: 'w8tzf5jb6pyq5jxq3zq8r1n6me',
  },
  options: optionsSchema,
  shows: () => 'bytes',
  preview: (notification, picture) =>
    `${picture ? `post with a file (${picture.png.length} bytes):` : 'post:'}\n${render(notification)}`,
  create(options, { secrets, clock, logger }) {
    hideLogin(options.url, secrets);
    const base = `${options.url.replace(/\/$/, '')}/api/v4`;
    const deps = { nowMs: clock.nowMs, redact: secrets.redact };
    const way = networkOf(options, secrets);
    const explain = mattermostRefusal('mattermost');
    return {
      destination: async () => serverOf(options.url),
      async verify({ signal }) {
        const token = await secrets.resolve(options.token);
        const settings = { timeoutMs: options.timeout, signal, explain, network: await way() };
        const headers = { authorization: `Bearer ${token}` };
        const get = async (path: string) =>
          jsonOf(
            await sendRequest({ method: 'GET', url: `${base}${path}`, headers, ...settings }, deps),
          ) as Record<string, unknown>;
        const me = await get('/users/me');
        const channel = await get(`/channels/${encodeURIComponent(options.channelId)}`);
        const detail = `${me.username} sees channel ${channel.display_name}`;
        return { detail: cleanLine(detail, secrets.redact) };
      },
      async send(notification, picture, { signal }) {
        const api = await openApi(signal);
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(UPLOAD_WITHIN_MS)]);
        // Whatever an upload fails of, the post fails of too, or goes without it.
        const fileId = picture && (await api.upload(picture, inTime).catch(() => undefined));
        const post = (message: string) => api.post({ message, file_ids: fileId ? [fileId] : [] });
        const plain = { body: plainWithin(notification, PLAIN_LIMIT, literal), without: 'as plain text' };
        const layouts = [{ body: render(notification) }, plain] as const;
        const { result: answer, note } = await sendInLayouts(layouts, post, {
          logger,
          service: 'mattermost',
        });
        const unclear = unclearAnswer(answer, {
          service: 'mattermost',
          confirms: 'the post with its `id`',
          isIt: (_, parsed) => idOf(parsed) !== undefined,
          accepts: options.accepts,
          redact: secrets.redact,
        });
        const without = picture && !fileId ? ', without its picture: the upload failed' : '';
        const id = idOf(parseJson(answer.body));
        const detail = `${id === undefined ? `answered ${answer.status}` : `post ${id}`}${note}${without}`;
        return {
          detail,
          ...(id !== undefined && { id }),
          ...(picture && !fileId && { picture: 'failed' }),
          ...(unclear !== undefined && { unclear }),
        };
      },
      // https://developers.mattermost.com/api-documentation/#/operations/CreatePost: root_id is the post that is answered.
      async follow(picture, { id: root_id = '' }, _, { signal }) {
        const api = await openApi(signal);
        const fileId = await api.upload(picture, signal);
        if (fileId === undefined)
          throw new RetryableError('mattermost: the answer to an upload names no file');
        const reply = idOf(parseJson((await api.post({ message: '', file_ids: [fileId], root_id })).body));
        if (reply === undefined) throw new RetryableError('mattermost: the answer to a reply names no post');
        return { id: root_id, picture: 'followed', detail: `its picture in reply ${reply}` };
      },
    };

    async function openApi(signal: AbortSignal) {
      const token = await secrets.resolve(options.token);
      const network = await way();
      const ask = (path: string, body: FormData | string, type: string | undefined, within: AbortSignal) => {
        const headers = {
          authorization: `Bearer ${token}`,
          ...(type !== undefined && { 'content-type': type }),
        };
        const settings = { timeoutMs: options.timeout, signal: within, network, explain };
        return sendRequest({ method: 'POST', url: `${base}${path}`, headers, body, ...settings }, deps);
      };
      return {
        async upload({ png }: Picture, within: AbortSignal): Promise<string | undefined> {
          const form = new FormData();
          form.set('channel_id', options.channelId);
          form.set('files', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'chart.png');
          const { file_infos: files } = jsonOf(await ask('/files', form, undefined, within)) as {
            file_infos?: { id?: string }[];
          };
          return files?.[0]?.id;
        },
        post(fields: { message: string; file_ids: string[]; root_id?: string }): Promise<HttpResponse> {
          const body = JSON.stringify({ channel_id: options.channelId, ...fields });
          return ask('/posts', body, 'application/json', signal);
        },
      };
    }
  },
};

/** An error has an `id` too, beside its status. */
function idOf(parsed: unknown): string | undefined {
  const { id, status_code: status } = (parsed ?? {}) as { id?: unknown; status_code?: unknown };
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) && status === undefined ? id : undefined;
}

function jsonOf(answer: HttpResponse): Readonly<Record<string, unknown>> {
  const parsed = parseJson(answer.body);
  if (typeof parsed === 'object' && parsed !== null) return parsed as Readonly<Record<string, unknown>>;
  throw new RetryableError(
    `mattermost: answered ${answer.status} with what is no JSON object; is \`url\` that of Mattermost, or does a proxy answer?`,
  );
}
