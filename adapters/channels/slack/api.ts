import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import { sendRequest } from '../../http.ts';

/** Errors of the Web API that only the operator can mend. https://docs.slack.dev/reference/methods/chat.postMessage */
const CONFIG_ERRORS = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'no_permission',
  'missing_scope',
  'channel_not_found',
  'not_in_channel',
  'is_archived',
  'restricted_action',
  'team_access_not_granted',
]);
const RETRYABLE_ERRORS = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'message_limit_exceeded',
  'team_added_to_org',
]);

/** What the bot needs to write, and to show pictures. https://docs.slack.dev/reference/scopes */
const WRITE = 'chat:write';
const PICTURES = ['files:write', 'files:read'] as const;

export interface SlackApi {
  /** Who the token is, in words. @throws ConfigError for one that may not write */
  introduce(): Promise<string>;
  /** One call. @throws the typed error that Slack's answer means; `slackErrorOf` names it */
  call(method: string, fields: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** Posts a file's bytes to the address Slack gave for it. */
  upload(address: string, bytes: Uint8Array): Promise<void>;
}

export function createSlackApi(options: {
  apiUrl: string;
  token: string;
  timeoutMs: number;
  signal: AbortSignal;
  nowMs: () => number;
  redact: (text: string) => string;
}): SlackApi {
  const { token, timeoutMs, signal } = options;
  const base = options.apiUrl.replace(/\/$/, '');
  const deps = { nowMs: options.nowMs, redact: options.redact };
  const post = async (method: string, fields: Readonly<Record<string, unknown>>) => {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) {
      form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
    }
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/x-www-form-urlencoded',
    };
    const request = {
      method: 'POST',
      url: `${base}/${method}`,
      headers,
      body: form.toString(),
      timeoutMs,
      signal,
    } as const;
    const { body, headers: answered } = await sendRequest(request, deps);
    return { answer: accepted(method, body), headers: answered };
  };
  return {
    async introduce() {
      const { answer, headers } = await post('auth.test', {});
      const who = `bot ${answer.user} of ${answer.team}`;
      // Slack names a token's scopes in every answer; a proxy may take the header away.
      const named = headers['x-oauth-scopes'];
      if (named === undefined) return who;
      const scopes = named.split(',').map((scope) => scope.trim());
      // Older apps have `chat:write:bot`, or `bot`, which stands for all of them.
      const has = (wanted: string) =>
        scopes.some((scope) => scope === wanted || scope.startsWith(`${wanted}:`) || /^bot(:|$)/.test(scope));
      if (!has(WRITE)) throw new ConfigError(`slack: ${who} lacks the scope ${WRITE}`);
      const missing = PICTURES.filter((scope) => !has(scope));
      return missing.length === 0 ? who : `${who}; no pictures, as it lacks ${missing.join(', ')}`;
    },
    async call(method, fields) {
      return (await post(method, fields)).answer;
    },
    async upload(address, bytes) {
      const headers = { 'content-type': 'application/octet-stream' };
      await sendRequest({ method: 'POST', url: address, headers, body: bytes, timeoutMs, signal }, deps);
    },
  };
}

/** The answer, if it says `ok`. Slack answers 200 to what it refuses. */
function accepted(method: string, body: string): Record<string, unknown> {
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(body) as Record<string, unknown>;
  } catch {
    throw new RetryableError(`slack ${method}: the answer is no JSON`);
  }
  if (answer.ok === true) return answer;
  const code = typeof answer.error === 'string' ? answer.error : 'no error code';
  const text = `slack ${method}: ${code}`;
  if (CONFIG_ERRORS.has(code)) throw new ConfigError(text);
  if (RETRYABLE_ERRORS.has(code)) throw new RetryableError(text);
  throw new PermanentError(text);
}
