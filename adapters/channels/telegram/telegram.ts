import { z } from 'zod';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { durationSchema } from '../../../core/duration.ts';
import { PermanentError, RetryableError } from '../../../core/errors.ts';
import type { Picture } from '../../../core/model/notification.ts';
import { parseJson } from '../../http/json-body.ts';
import { hideLogin, networkFields, networkOf } from '../../http/network.ts';
import { cleanLine, type HttpRequest, type HttpResponse, sendRequest } from '../../http/request.ts';
import { acceptsField, unclearAnswer } from '../answer.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { destinationOf } from '../destination.ts';
import { sendInLayouts } from '../layouts.ts';
import { plainWithin } from '../message-text.ts';
import { migratedTo, retryAfterInBody, telegramRefusal } from './refusals.ts';
import { CAPTION_LIMIT, inertText, render, TEXT_LIMIT } from './text.ts';

/** https://core.telegram.org/bots/api#sendphoto */
const PHOTO_LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * Telegram takes one message a second into a chat and twenty a minute into a group. It limits all chats of a bot to thirty a
 * second; we leave that to its 429.
 * https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
 */
const EVERY_MS = { chat: 1_000, group: 3_000 } as const;

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
  ...acceptsField,
  ...networkFields,
});

export type TelegramOptions = z.infer<typeof optionsSchema>;

/** A photo with a caption (`sendPhoto`); without a picture a text (`sendMessage`). */
export const telegram: ChannelAdapter<TelegramOptions> = {
  type: 'telegram',
  title: 'Telegram',
  about: `A photo with an HTML caption (\`sendPhoto\`). A caption holds ${CAPTION_LIMIT} characters after parsing: of longer
messages the alerts that stand as they were lose detail, then fall away ("and 12 more"), before the news lose any. A chart that is drawn late follows as a silent reply to its text. Make a bot with @BotFather, add it to the group, and take the chat's id from
\`https://api.telegram.org/bot<TOKEN>/getUpdates\`. Telegram answers \`ok: true\` with a \`message_id\` when it has the message. A
group that became a supergroup has another id: it is followed at once, and \`check --connect\` says what to write. Telegram takes twenty messages a minute into a group or channel and one a second into a person's chat: more
wait for their turn.`,
  example: { token: '${env:TELEGRAM_TOKEN}', chatId: -1001234567890 },
  options: optionsSchema,
  shows: () => 'bytes',
  preview: (notification, picture) =>
    picture
      ? `photo (${picture.png.length} bytes) with caption:\n${render(notification, CAPTION_LIMIT).html}`
      : render(notification, TEXT_LIMIT).html,
  create(options, { secrets, clock, logger }) {
    hideLogin(options.apiUrl, secrets);
    const base = options.apiUrl.replace(/\/$/, '');
    const deps = { nowMs: clock.nowMs, redact: secrets.redact };
    const network = networkOf(options, secrets);
    /** The group's new chat, for the life of the process: the configuration still names the old one. */
    let movedTo: number | undefined;
    const moved = () =>
      movedTo === undefined
        ? undefined
        : `the group ${options.chatId} has become a supergroup; write \`chatId: ${movedTo}\``;

    /** Calls a method for the chat, and once more for its new chat if the group has moved. */
    async function ofChat(
      ask: (chatId: string | number) => Pick<HttpRequest, 'method' | 'body'> & { call: string },
      signal: AbortSignal,
    ): Promise<HttpResponse> {
      const token = await secrets.resolve(options.token);
      const settings = { headers: {}, timeoutMs: options.timeout, signal, network: await network() };
      for (let follow = true; ; follow = false) {
        const { call, ...request } = ask(movedTo ?? options.chatId);
        let target: number | undefined;
        const explain = (refusal: HttpResponse) => {
          target = migratedTo(refusal.body);
          return telegramRefusal(refusal);
        };
        const url = `${base}/bot${token}/${call}`;
        try {
          return await sendRequest({ ...request, ...settings, url, explain, retryAfterInBody }, deps);
        } catch (error) {
          if (target === undefined || !follow) throw error;
          movedTo = target;
          logger?.warn(`telegram: ${moved()}`);
        }
      }
    }

    return {
      async destination() {
        const token = await secrets.resolve(options.token);
        // Ids of persons are positive; a name belongs to a channel or a group.
        const everyMs = Number(options.chatId) > 0 ? EVERY_MS.chat : EVERY_MS.group;
        return destinationOf(everyMs, 'telegram', base, token, String(options.chatId));
      },
      async verify({ signal }) {
        const ask = async (call: (chatId: string | number) => string) => {
          const answer = await ofChat((chatId) => ({ method: 'GET', call: call(chatId) }), signal);
          return resultOf(answer);
        };
        const bot = await ask(() => 'getMe');
        const chat = await ask((chatId) => `getChat?chat_id=${encodeURIComponent(chatId)}`);
        const named = chat.title ?? chat.username ?? options.chatId;
        const detail = cleanLine(`bot @${bot.username ?? '?'} sees chat ${named}`, secrets.redact);
        const unclear = moved();
        return { detail, ...(unclear !== undefined && { unclear }) };
      },
      async send(notification, picture, { signal }) {
        const shown = picture !== undefined && picture.png.length <= PHOTO_LIMIT_BYTES ? picture : undefined;
        const method = shown ? 'sendPhoto' : 'sendMessage';
        const limit = shown ? CAPTION_LIMIT : TEXT_LIMIT;
        const post = ({ text, html }: { text: string; html: boolean }) =>
          ofChat(
            (chatId) => ({
              method: 'POST',
              call: method,
              body: formOf({ chatId, text, html, picture: shown, options }),
            }),
            signal,
          );
        const plain = { text: plainWithin(notification, limit, inertText), html: false };
        const layouts = [
          { body: { text: render(notification, limit).html, html: true } },
          { body: plain, without: 'as plain text' },
        ] as const;
        const { result: answer, note } = await sendInLayouts(layouts, post, { logger, service: 'telegram' });
        const unclear = unclearAnswer(answer, {
          service: 'telegram',
          confirms: '`ok: true` with a `message_id`',
          isIt: (_, parsed) => messageId(parsed) !== undefined,
          accepts: options.accepts,
          redact: secrets.redact,
        });
        const id = messageId(parseJson(answer.body));
        const detail = `${method}: ${id === undefined ? `answered ${answer.status}` : `message ${id}`}${note}`;
        return {
          detail,
          ...(id !== undefined && { id }),
          ...(picture && !shown && { picture: 'failed' }),
          ...(unclear !== undefined && { unclear }),
        };
      },
      async follow(picture, { id }, _, { signal }) {
        if (picture.png.length > PHOTO_LIMIT_BYTES)
          throw new PermanentError(`telegram takes no photo of ${picture.png.length} bytes`);
        const body = (chatId: string | number) => replyOf({ chatId, to: Number(id), picture, options });
        const post = (chatId: string | number) =>
          ({ method: 'POST', call: 'sendPhoto', body: body(chatId) }) as const;
        const reply = messageId(parseJson((await ofChat(post, signal)).body));
        if (reply === undefined) throw new RetryableError('telegram: the answer to a reply names no message');
        return { id, picture: 'followed', detail: `its picture in a reply, message ${reply}` };
      },
    };
  },
};

function formOf(message: {
  chatId: string | number;
  text: string;
  html: boolean;
  picture: Picture | undefined;
  options: TelegramOptions;
}): FormData {
  const { chatId, text, html, picture, options } = message;
  const form = new FormData();
  form.set('chat_id', String(chatId));
  if (html) form.set('parse_mode', 'HTML');
  if (options.threadId !== undefined) form.set('message_thread_id', String(options.threadId));
  if (options.silent) form.set('disable_notification', 'true');
  form.set(picture ? 'caption' : 'text', text);
  if (picture) form.set('photo', new Blob([new Uint8Array(picture.png)], { type: 'image/png' }), 'chart.png');
  else form.set('link_preview_options', JSON.stringify({ is_disabled: true }));
  return form;
}

/** https://core.telegram.org/bots/api#replyparameters; the reply notifies nobody. */
function replyOf(reply: {
  chatId: string | number;
  to: number;
  picture: Picture;
  options: TelegramOptions;
}): FormData {
  const form = formOf({ ...reply, text: '', html: false });
  form.delete('caption');
  form.set('reply_parameters', JSON.stringify({ message_id: reply.to, allow_sending_without_reply: true }));
  form.set('disable_notification', 'true');
  return form;
}

function messageId(parsed: unknown): string | undefined {
  const { ok, result } = (parsed ?? {}) as { ok?: unknown; result?: { message_id?: unknown } | null };
  const id = ok === true ? result?.message_id : undefined;
  return typeof id === 'number' ? String(id) : undefined;
}

function resultOf(answer: HttpResponse): { username?: string; title?: string } {
  const parsed = parseJson(answer.body) as { ok?: boolean; result?: object } | null | undefined;
  if (parsed?.ok === true && parsed.result) return parsed.result;
  throw new RetryableError(
    `telegram: answered ${answer.status} with what is not Telegram's; is \`apiUrl\` right, or does a proxy answer?`,
  );
}
