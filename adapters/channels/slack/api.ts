import { ConfigError, RetryableError } from '../../../core/errors.ts';
import { parseJson } from '../../http/json-body.ts';
import type { Network } from '../../http/network.ts';
import { cleanLine, type HttpDeps, type HttpResponse, sendRequest } from '../../http/request.ts';
import { retryAfterOf } from '../../http/retry-after.ts';
import { slackError } from './refusals.ts';

/** Scopes that the bot needs to write, and to show pictures. https://docs.slack.dev/reference/scopes */
const WRITE = 'chat:write';
const PICTURES = ['files:write', 'files:read'] as const;

/** Slack's limit for one channel, and for one webhook. https://docs.slack.dev/apis/web-api/rate-limits */
export const MESSAGE_EVERY_MS = 1_000;

export interface SlackApi {
  /** Describes the token's bot. @throws ConfigError when it may not write */
  authTest(): Promise<string>;
  /** Posts a message and returns any answer that is not a refusal of Slack's. @throws as `call` */
  post(fields: Readonly<Record<string, unknown>>): Promise<HttpResponse>;
  /** One call that must succeed. @throws the typed error that Slack's answer means */
  call(method: string, fields: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** Posts a file's bytes to the address Slack gave for it. */
  upload(address: string, bytes: Uint8Array): Promise<void>;
}

export function createSlackApi(options: {
  apiUrl: string;
  token: string;
  timeoutMs: number;
  signal: AbortSignal;
  network: Network;
  nowMs: () => number;
  redact: (text: string) => string;
}): SlackApi {
  const { token, timeoutMs, signal, network } = options;
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
      network,
      explain: (refusal: HttpResponse) => refusalOf(method, refusal, deps),
    } as const;
    const answer = await sendRequest(request, deps);
    const refusal = refusalOf(method, answer, deps);
    if (refusal) throw refusal;
    return answer;
  };
  const call = async (method: string, fields: Readonly<Record<string, unknown>>) => {
    const { body, headers } = await post(method, fields);
    const answer = parseJson(body) as Record<string, unknown> | null | undefined;
    if (answer?.ok === true) return { answer, headers };
    throw new RetryableError(
      `slack ${method}: the answer is not Slack's; is \`apiUrl\` right, or does a proxy answer?`,
    );
  };
  return {
    async authTest() {
      const { answer, headers } = await call('auth.test', {});
      const who = cleanLine(`bot ${answer.user} of ${answer.team}`, deps.redact);
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
      return (await call(method, fields)).answer;
    },
    post: (fields) => post('chat.postMessage', fields),
    async upload(address, bytes) {
      const headers = { 'content-type': 'application/octet-stream' };
      await sendRequest(
        { method: 'POST', url: address, headers, body: bytes, timeoutMs, signal, network },
        deps,
      );
    },
  };
}

/** Slack refuses most calls with a 200, and calls that come too often with a 429 and a header. */
function refusalOf(
  method: string,
  { status, headers, body }: HttpResponse,
  { nowMs, redact }: HttpDeps,
): Error | undefined {
  const { ok, error } = (parseJson(body) ?? {}) as { ok?: unknown; error?: unknown };
  if (ok !== false || status >= 500) return undefined;
  const code =
    typeof error === 'string' && error !== ''
      ? cleanLine(error, redact).slice(0, 100)
      : 'refused without a reason';
  const limited = status === 429 ? 'ratelimited' : code;
  return slackError(`slack ${method}`, limited, retryAfterOf(headers['retry-after'], nowMs()));
}
