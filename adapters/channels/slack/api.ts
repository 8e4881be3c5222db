import { ConfigError, RetryableError } from '../../../core/errors.ts';
import { cleanLine, type HttpAnswer, type HttpDeps, sendRequest } from '../../http.ts';
import type { Network } from '../../network.ts';
import { retryAfterOf } from '../../retry-after.ts';
import { parseJson } from '../answer.ts';
import { slackError } from './refusals.ts';

/** What the bot needs to write, and to show pictures. https://docs.slack.dev/reference/scopes */
const WRITE = 'chat:write';
const PICTURES = ['files:write', 'files:read'] as const;

export interface SlackApi {
  /** Who the token is, in words. @throws ConfigError for one that may not write */
  introduce(): Promise<string>;
  /** Posts a message; the answer is whatever 2xx says that is no refusal of Slack's. @throws as `call` */
  post(fields: Readonly<Record<string, unknown>>): Promise<HttpAnswer>;
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
      explain: (refusal: HttpAnswer) => refusalOf(method, refusal, deps),
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
    async introduce() {
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

/** Slack answers 200 to most of what it refuses, 429 with a header to what comes too often. */
function refusalOf(
  method: string,
  { status, headers, body }: HttpAnswer,
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
