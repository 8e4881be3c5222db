import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { durationSchema } from '../../../core/duration.ts';
import { describeError, RetryableError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/model/notification.ts';
import type { Receipt } from '../../../core/ports.ts';
import { parseJson } from '../../http/json-body.ts';
import { hideLogin, networkFields, networkOf } from '../../http/network.ts';
import { acceptsField, unclearAnswer } from '../answer.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { destinationOf } from '../destination.ts';
import { type Layout, sendInLayouts } from '../layouts.ts';
import { createSlackApi, MESSAGE_EVERY_MS, type SlackApi } from './api.ts';
import { imageBlock, render } from './blocks.ts';
import { plainMessage } from './plain.ts';

/** Slack processes an upload before a message may show it. The text waits this long … */
const READY_WITHIN_MS = 3_000;
/** … and its thread this long. */
const READY_IN_THREAD_MS = 10_000;
const POLL_MS = 250;

/** https://docs.slack.dev/reference/objects/conversation-object: channels, groups, direct messages. */
const CHANNEL_ID = /^[CGDU][A-Z0-9]+$/;
const NAMED =
  '`channel` looks like a name; write the id instead, such as `C0123456789` (channel details, at the end): names change';

const optionsSchema = z.strictObject({
  token: secretSchema.describe(
    'Bot token (`xoxb-…`), a reference; scopes `chat:write`, `files:write`, `files:read`',
  ),
  channel: z.string().min(1).describe('Channel that is written to: its id, such as `C0123456789`'),
  apiUrl: z.url().default('https://slack.com/api').describe('Address of the Web API'),
  timeout: durationSchema.prefault('15s').describe('How long each answer is waited for'),
  ...acceptsField,
  ...networkFields,
});

export type SlackOptions = z.infer<typeof optionsSchema>;

/**
 * One message with the chart as an image block. The order is Slack's: get an address, upload, complete without a
 * channel, wait until the file has a type, post (a message that shows a file too early is refused as "invalid slack
 * file"). A failure of the picture never stops the text.
 */
export const slack: ChannelAdapter<SlackOptions> = {
  type: 'slack',
  title: 'Slack (bot)',
  about: `A bot (scopes \`chat:write\`, \`files:write\`, \`files:read\`; invited to the channel) uploads the chart, waits until Slack has
processed it, and posts one message with the chart inside. If drawing or Slack takes longer than ${READY_WITHIN_MS / 1000} s each, the text
goes alone and the chart follows in its thread. Slack answers \`ok: true\` with a \`ts\` when it has the message. Blocks that it refuses are sent
again without the picture, then as plain text. Slack takes one message a second into a channel: more wait for their turn.`,
  example: { token: '${env:SLACK_BOT_TOKEN}', channel: 'C0123456789' },
  options: optionsSchema,
  shows: () => 'bytes',
  preview(notification, picture) {
    const { text, blocks } = render(notification);
    const image = picture
      ? [imageBlock({ fileId: `(upload of ${picture.png.length} bytes)` }, picture.alt)]
      : [];
    return JSON.stringify({ text, blocks: [...blocks, ...image] }, null, 2);
  },
  create(options, { secrets, clock, logger }) {
    hideLogin(options.apiUrl, secrets);
    const { apiUrl, timeout: timeoutMs, channel } = options;
    const network = networkOf(options, secrets);
    const connect = async () => {
      const shared = {
        apiUrl,
        timeoutMs,
        token: await secrets.resolve(options.token),
        network: await network(),
        nowMs: clock.nowMs,
        redact: secrets.redact,
      };
      return (signal: AbortSignal) => createSlackApi({ ...shared, signal });
    };
    return {
      async destination() {
        const token = await secrets.resolve(options.token);
        return destinationOf(MESSAGE_EVERY_MS, 'slack', apiUrl, token, channel);
      },
      async verify({ signal }) {
        const api = (await connect())(signal);
        const detail = `${await api.authTest()}; whether it is in the channel shows when it writes`;
        return CHANNEL_ID.test(channel) ? { detail } : { detail, unclear: NAMED };
      },
      async send(notification, picture, { signal }) {
        const apiFor = await connect();
        const api = apiFor(signal);
        const { text, blocks } = render(notification);
        // The text waits this long for the whole upload, however long each call may take.
        const inTime = AbortSignal.any([signal, AbortSignal.timeout(READY_WITHIN_MS)]);
        const uploaded = picture && (await upload(apiFor(inTime), picture, inTime));
        const base = { channel, unfurl_links: false };
        const bare = { body: { ...base, text, blocks } };
        const plain = { body: { ...base, ...plainMessage(notification) }, without: 'as plain text' };
        let layouts: readonly [Layout<Record<string, unknown>>, ...Layout<Record<string, unknown>>[]] = [
          bare,
          plain,
        ];
        if (picture && uploaded?.ready) {
          const image = imageBlock({ fileId: uploaded.fileId }, picture.alt);
          const whole = { body: { ...base, text, blocks: [...blocks, image] } };
          layouts = [whole, { ...bare, without: 'without its picture' }, plain];
        }
        const { result: answer, note } = await sendInLayouts(layouts, api.post, { logger, service: 'slack' });
        const unclear = unclearAnswer(answer, {
          service: 'slack',
          confirms: '`ok: true` with a `ts`',
          isIt: (_, parsed) => tsOf(parsed) !== undefined,
          accepts: options.accepts,
          redact: secrets.redact,
        });
        const ts = tsOf(parseJson(answer.body));
        if (ts === undefined)
          return { detail: `answered ${answer.status}${note}`, ...(unclear !== undefined && { unclear }) };
        const late =
          picture && !uploaded?.ready
            ? await follow(api, { channel, ts }, uploaded, picture, signal)
            : undefined;
        const became = late?.picture ?? (uploaded?.ready && note !== '' ? 'failed' : undefined);
        return {
          id: ts,
          detail: `${late?.detail ?? `chat.postMessage: ${ts}`}${note}`,
          ...(became !== undefined && { picture: became }),
          ...(unclear !== undefined && { unclear }),
        };
      },
      async follow(picture, { id: ts = '' }, _, { signal }) {
        const api = (await connect())(signal);
        const shown = await follow(api, { channel, ts }, await upload(api, picture, signal), picture, signal);
        if (shown.picture === 'failed') throw new RetryableError(shown.detail);
        return shown;
      },
    };
  },
};

function tsOf(parsed: unknown): string | undefined {
  const { ok, ts } = (parsed ?? {}) as { ok?: unknown; ts?: unknown };
  return ok === true && typeof ts === 'string' && /^[\d.]{1,40}$/.test(ts) ? ts : undefined;
}

/** `ready: false` with an id: Slack is still at work on it. Undefined `fileId`: it failed, and `why` says how. */
type Upload = { ready: true; fileId: string } | { ready: false; fileId?: string; why: string };

async function upload(api: SlackApi, picture: Picture, signal: AbortSignal): Promise<Upload> {
  let completed: string | undefined;
  try {
    const fields = {
      filename: 'chart.png',
      length: String(picture.png.length),
      alt_txt: picture.alt.slice(0, 1000),
    };
    const { upload_url: address, file_id } = await api.call('files.getUploadURLExternal', fields);
    await api.upload(String(address), picture.png);
    const fileId = String(file_id);
    await api.call('files.completeUploadExternal', {
      files: [{ id: fileId, title: picture.alt.slice(0, 250) }],
    });
    completed = fileId;
    if (await isReady(api, fileId, READY_WITHIN_MS, signal)) return { ready: true, fileId };
    return { ready: false, fileId, why: 'not ready in time' };
  } catch (error) {
    return { ready: false, fileId: completed, why: describeError(error) };
  }
}

async function isReady(
  api: SlackApi,
  fileId: string,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= withinMs && !signal.aborted; waitedMs += POLL_MS) {
    const { file } = (await api.call('files.info', { file: fileId })) as { file?: { mimetype?: string } };
    if (file?.mimetype) return true;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

/** Sends the picture into the thread of a text that is out already; the receipt says if that failed. */
async function follow(
  api: SlackApi,
  { channel, ts }: { channel: string; ts: string },
  uploaded: Upload | undefined,
  picture: Picture,
  signal: AbortSignal,
): Promise<Receipt> {
  const without = (why: string): Receipt => ({
    id: ts,
    picture: 'failed',
    detail: `chat.postMessage: ${ts}, without its picture: ${why}`,
  });
  if (uploaded?.fileId === undefined)
    return without(uploaded && !uploaded.ready ? uploaded.why : 'no upload');
  const { fileId, ready } = uploaded;
  try {
    if (!ready && !(await isReady(api, fileId, READY_IN_THREAD_MS, signal)))
      return without('Slack did not process it');
    const blocks = [imageBlock({ fileId }, picture.alt)];
    await api.call('chat.postMessage', { channel, thread_ts: ts, text: picture.alt, blocks });
    return { id: ts, picture: 'followed', detail: `chat.postMessage: ${ts}, its picture in the thread` };
  } catch (error) {
    return without(describeError(error));
  }
}
