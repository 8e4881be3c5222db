import { ConfigError, RetryableError } from '../../../core/errors.ts';
import type { HttpResponse } from '../../http/request.ts';
import { LayoutError } from '../answer.ts';

const TOKEN =
  'Slack does not know the token, or no longer; take the "Bot User OAuth Token" (`xoxb-…`) of the app';
const RULES = "a rule of the workspace forbids it; ask the workspace's administrators";
const SCOPE = 'the app lacks a scope; add `chat:write`, `files:write`, `files:read` and install it again';
const ARCHIVED = 'the channel is archived; name another one, or take it out of the archive';
const WEBHOOK =
  'Slack does not know the webhook, or no longer; make a new one and write its address into the secret';

/** Errors that only the operator can mend. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const ADVICE: Readonly<Record<string, string>> = {
  invalid_auth: TOKEN,
  not_authed: TOKEN,
  account_inactive: TOKEN,
  token_revoked: TOKEN,
  token_expired: TOKEN,
  no_permission: SCOPE,
  missing_scope: SCOPE,
  not_allowed_token_type: TOKEN,
  channel_not_found:
    'the bot sees no such channel; `channel` is an id such as `C0123456789` (channel details, at the end), not a name, and into a private channel the bot must be invited',
  not_in_channel: 'the bot is not in the channel; write `/invite @BOT` there',
  is_archived: ARCHIVED,
  channel_is_archived: ARCHIVED,
  restricted_action: RULES,
  action_prohibited: RULES,
  posting_to_general_channel_denied: RULES,
  team_access_not_granted: RULES,
  access_denied: RULES,
  invalid_token: WEBHOOK,
  no_service: WEBHOOK,
  no_service_id: WEBHOOK,
  no_team: WEBHOOK,
  team_disabled: WEBHOOK,
  user_not_found: WEBHOOK,
};
const LAYOUT = new Set([
  ...['invalid_blocks', 'invalid_blocks_format', 'invalid_attachments', 'too_many_attachments'],
  ...['msg_too_long', 'msg_blocks_too_long', 'invalid_payload', 'invalid slack file', 'no_text'],
]);
const RATE_LIMITS = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);

/** The error that a code of Slack's means. An unknown one may not occur at the next try. */
export function slackError(call: string, code: string, retryAfterMs?: number): Error {
  const text = `${call}: ${code}`;
  const advice = Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
  if (advice !== undefined) return new ConfigError(`${text}: ${advice}`);
  if (LAYOUT.has(code)) return new LayoutError(text);
  return new RetryableError(text, { retryAfterMs, rateLimited: RATE_LIMITS.has(code) });
}

/** The error that a webhook's refusal means: a code of Slack's, as text. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
export function webhookRefusal({ status, body }: HttpResponse): Error | undefined {
  const code = body.trim();
  const known = Object.hasOwn(ADVICE, code) || LAYOUT.has(code);
  return known ? slackError(`slack-webhook: answered ${status}`, code) : undefined;
}
