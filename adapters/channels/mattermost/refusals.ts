import { ConfigError } from '../../../core/errors.ts';
import { parseJson } from '../../http/json-body.ts';
import type { HttpResponse } from '../../http/request.ts';
import { LayoutError } from '../answer.ts';

/**
 * Advice for errors that only the operator can mend, by Mattermost's error id; the first match counts.
 * https://github.com/mattermost/mattermost/blob/master/server/i18n/en.json
 */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /session_expired|invalid_token|token_provided/,
    'Mattermost does not know the token, or no longer; make one under Integrations, Bot Accounts',
  ],
  [
    /invalid_url_param|channel\.get\.(existing|find)|get_channel/,
    '`channelId` is the id of 26 letters and digits from "View Info", not the name, and the bot must be a member',
  ],
  [/context\.permissions/, 'the bot may not write there; add it to the channel'],
  [
    /incoming_webhook\.(invalid|disabled|user|general)/,
    'the webhook is unknown or switched off; make a new one',
  ],
  [/incoming_webhook\.(channel|permissions|channel_locked)/, 'the webhook may not write into its channel'],
  [/deleted/, 'the channel is archived; name another one'],
];
const LAYOUT =
  /post\.is_valid\.(msg|message_length|props|filenames)|incoming_webhook\.(text|parse|attachment)|split/;

/** The error that a refusal means; undefined when its status says enough. A 404 without an id is a wrong address. */
export function mattermostRefusal(service: string) {
  return ({ status, body }: HttpResponse): Error | undefined => {
    const { id } = (parseJson(body) ?? {}) as { id?: unknown };
    if (
      typeof id !== 'string' ||
      !/^(api|app|ent|model|store|web)\.[a-z0-9_.]{3,100}$/.test(id) ||
      status >= 500
    )
      return undefined;
    const text = `${service}: answered ${status}: ${id}`;
    if (LAYOUT.test(id)) return new LayoutError(text);
    const advice = ADVICE.find(([pattern]) => pattern.test(id))?.[1];
    return advice === undefined ? undefined : new ConfigError(`${text}: ${advice}`);
  };
}
