import { ConfigError } from '../../../core/errors.ts';
import { parseJson } from '../../http/json-body.ts';
import type { HttpResponse } from '../../http/request.ts';
import { retryAfterSeconds } from '../../http/retry-after.ts';
import { LayoutError } from '../answer.ts';

const BOT = 'the bot may not write there; add it to the group, or make it an administrator of the channel';

/** Advice for errors that only the operator can mend, by Telegram's description, as it has no codes; the first match counts. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /chat not found|chat_id is empty|peer_id_invalid/i,
    '`chatId` is the number of the chat (negative for groups), or `@name` of a public channel; the bot must be in it, and a person must have written to the bot first',
  ],
  [/message thread not found|topic_(closed|deleted)/i, '`threadId` is no open topic of that group'],
  [
    /blocked by the user|user is deactivated/i,
    'that person has blocked the bot, or is gone; name another chat',
  ],
  [/kicked|not a member|not enough rights|have no rights|write_forbidden|need administrator/i, BOT],
  [/group is deactivated|chat was deleted/i, 'the group is gone; name another chat'],
];
const LAYOUT =
  /can't parse|parse entities|(message|caption) is too long|message text is empty|entity_|entities_too_long/i;

/** The error that a refusal means; undefined when its status says enough. https://core.telegram.org/bots/api#making-requests */
export function telegramRefusal({ status, body }: HttpResponse): Error | undefined {
  const { description } = bodyOf(body);
  // Telegram answers a wrong token like this too: the token is part of the address.
  if (status === 401 || status === 404)
    return new ConfigError(
      `telegram answered ${status}: it does not know the bot's token; take it from @BotFather, and see to \`apiUrl\` where that is set`,
    );
  if (status < 400 || status >= 500 || typeof description !== 'string') return undefined;
  const advice = ADVICE.find(([pattern]) => pattern.test(description));
  const matched = (pattern: RegExp) => pattern.exec(description)?.[0].toLowerCase();
  if (advice) return new ConfigError(`telegram answered ${status}: ${matched(advice[0])}: ${advice[1]}`);
  if (LAYOUT.test(description)) return new LayoutError(`telegram answered ${status}: ${matched(LAYOUT)}`);
  return undefined;
}

/** The new chat of a group that became a supergroup. https://core.telegram.org/bots/api#responseparameters */
export function migratedTo(body: string): number | undefined {
  const id = bodyOf(body).parameters?.migrate_to_chat_id;
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : undefined;
}

/** How long Telegram asks us to wait, from the body, in ms. */
export function retryAfterInBody(body: string): number | undefined {
  return retryAfterSeconds(bodyOf(body).parameters?.retry_after);
}

interface Refusal {
  description?: unknown;
  parameters?: { migrate_to_chat_id?: unknown; retry_after?: unknown };
}

function bodyOf(body: string): Refusal {
  return (parseJson(body) ?? {}) as Refusal;
}
