import { z } from 'zod';
import { durationSchema } from '../../../core/config/duration.ts';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { PermanentError } from '../../../core/errors.ts';
import type { Notification, Picture } from '../../../core/notify/model.ts';
import type { Receipt } from '../../../core/ports.ts';
import { sendRequest } from '../../http.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { CAPTION_LIMIT, render, TEXT_LIMIT } from './text.ts';

/** https://core.telegram.org/bots/api#sendphoto */
const PHOTO_LIMIT_BYTES = 10 * 1024 * 1024;

const optionsSchema = z.strictObject({
  token: secretSchema.describe('Token of the bot, a reference such as `${env:TELEGRAM_TOKEN}`'),
  chatId: z
    .union([z.number().int(), z.string().min(1)])
    .describe('Chat that is written to: its number (negative for groups), or `@name` of a channel'),
  threadId: z.number().int().positive().optional().describe('Topic within a forum group'),
  silent: z.boolean().default(false).describe('Deliver without a sound'),
  apiUrl: z
    .url()
    .default('https://api.telegram.org')
    .describe('Address of the Bot API, for a server of your own'),
  timeout: durationSchema.prefault('15s').describe('How long an answer is waited for'),
});

export type TelegramOptions = z.infer<typeof optionsSchema>;

/** A photo with a caption (`sendPhoto`); without a picture a text (`sendMessage`). */
export const telegram: ChannelAdapter<TelegramOptions> = {
  type: 'telegram',
  title: 'Telegram',
  about: `A photo with an HTML caption (\`sendPhoto\`). A caption holds ${CAPTION_LIMIT} characters after parsing: longer messages lose
detail first, then alerts ("and 12 more"). A chart that is drawn late follows as a silent reply to its text. Make a bot with @BotFather, add it to the group, and take the chat's id from
\`https://api.telegram.org/bot<TOKEN>/getUpdates\`.`,
  example: { token: '${env:TELEGRAM_TOKEN}', chatId: -1001234567890 },
  options: optionsSchema as z.ZodType<TelegramOptions>,
  needs: ({ token, apiUrl }) => ({ secrets: [token], egress: [new URL(apiUrl).host] }),
  shows: () => 'bytes',
  preview: (notification, picture) =>
    picture
      ? `photo (${picture.png.length} bytes) with caption:\n${render(notification, CAPTION_LIMIT).html}`
      : render(notification, TEXT_LIMIT).html,
  create(options, { secrets, clock }) {
    const base = options.apiUrl.replace(/\/$/, '');
    const deps = { nowMs: clock.nowMs, redact: secrets.redact };
    return {
      async verify({ signal }) {
        const token = await secrets.resolve(options.token);
        const ask = async (method: string) => {
          const request = { method: 'GET', url: `${base}/bot${token}/${method}`, headers: {} } as const;
          const { body } = await sendRequest({ ...request, timeoutMs: options.timeout, signal }, deps);
          return (parse(body) as { result?: { username?: string; title?: string } } | undefined)?.result;
        };
        const bot = await ask('getMe');
        const chat = await ask(`getChat?chat_id=${encodeURIComponent(options.chatId)}`);
        return {
          detail: `bot @${bot?.username ?? '?'} sees chat ${chat?.title ?? chat?.username ?? options.chatId}`,
        };
      },
      async send(notification, picture, { signal }) {
        const fits = picture !== undefined && picture.png.length <= PHOTO_LIMIT_BYTES;
        const call = fits ? photoCall(notification, picture, options) : textCall(notification, options);
        const receipt = await make(call, signal);
        return picture && !fits ? { ...receipt, picture: 'failed' } : receipt;
      },
      async follow(picture, { id }, _, { signal }) {
        if (picture.png.length > PHOTO_LIMIT_BYTES)
          throw new PermanentError(`telegram takes no photo of ${picture.png.length} bytes`);
        const { detail } = await make(replyCall(picture, id, options), signal);
        return { id, picture: 'followed', detail: `its picture in a reply, ${detail}` };
      },
    };

    async function make(call: Call, signal: AbortSignal): Promise<Receipt> {
      const token = await secrets.resolve(options.token);
      const answer = await sendRequest(
        {
          method: 'POST',
          url: `${base}/bot${token}/${call.method}`,
          headers: {},
          body: call.form,
          timeoutMs: options.timeout,
          signal,
          retryAfterInBody,
        },
        deps,
      );
      const id = messageId(answer.body);
      if (id === undefined) throw new PermanentError('telegram accepted the request but names no message');
      return { id, detail: `${call.method}: message ${id}` };
    }
  },
};

interface Call {
  method: 'sendPhoto' | 'sendMessage';
  form: FormData;
}

function photoCall(notification: Notification, picture: Picture, options: TelegramOptions): Call {
  const form = commonFields(options);
  form.set('caption', render(notification, CAPTION_LIMIT).html);
  form.set('photo', new Blob([new Uint8Array(picture.png)], { type: 'image/png' }), 'chart.png');
  return { method: 'sendPhoto', form };
}

/** https://core.telegram.org/bots/api#replyparameters; nobody is called a second time for it. */
function replyCall(picture: Picture, id: string | undefined, options: TelegramOptions): Call {
  const form = commonFields(options);
  form.set('reply_parameters', JSON.stringify({ message_id: Number(id), allow_sending_without_reply: true }));
  form.set('disable_notification', 'true');
  form.set('photo', new Blob([new Uint8Array(picture.png)], { type: 'image/png' }), 'chart.png');
  return { method: 'sendPhoto', form };
}

function textCall(notification: Notification, options: TelegramOptions): Call {
  const form = commonFields(options);
  form.set('text', render(notification, TEXT_LIMIT).html);
  form.set('link_preview_options', JSON.stringify({ is_disabled: true }));
  return { method: 'sendMessage', form };
}

function commonFields(options: TelegramOptions): FormData {
  const form = new FormData();
  form.set('chat_id', String(options.chatId));
  form.set('parse_mode', 'HTML');
  if (options.threadId !== undefined) form.set('message_thread_id', String(options.threadId));
  if (options.silent) form.set('disable_notification', 'true');
  return form;
}

/** https://core.telegram.org/bots/api#responseparameters: seconds. */
function retryAfterInBody(body: string): number | undefined {
  const seconds = (parse(body) as { parameters?: { retry_after?: unknown } } | undefined)?.parameters
    ?.retry_after;
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

function messageId(body: string): string | undefined {
  const answer = parse(body) as { ok?: boolean; result?: { message_id?: number } } | undefined;
  return answer?.ok === true && answer.result?.message_id !== undefined
    ? String(answer.result.message_id)
    : undefined;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
