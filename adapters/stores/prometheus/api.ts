import { PermanentError } from '../../../core/errors.ts';
import type { Clock, Secrets } from '../../../core/ports.ts';
import { type HttpAnswer, sendRequest } from '../../http.ts';
import type { PrometheusOptions } from './prometheus.ts';
import { signer } from './sigv4.ts';
import { dataOf, type PrometheusApi } from './store.ts';

/** Of an answer to a query: 30,000 series of thirty points are about 30 MB. */
const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;

/** The server's HTTP API with the configured credentials, which are resolved at each request. */
export function createPrometheusApi(
  options: PrometheusOptions,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): PrometheusApi {
  const sign = options.sigv4 && signer(options.sigv4, clock);

  async function post(
    url: string,
    headers: Record<string, string>,
    body: string | Uint8Array,
  ): Promise<HttpAnswer> {
    const all = { 'user-agent': 'bartizan', ...headers, ...(await credentials()) };
    const signed = sign ? await sign({ url, headers: all, body }) : all;
    return sendRequest(
      {
        method: 'POST',
        url,
        headers: signed,
        body,
        timeoutMs: options.timeout,
        signal: new AbortController().signal,
        answerLimitBytes: ANSWER_LIMIT_BYTES,
      },
      { nowMs: clock.nowMs, redact: secrets.redact },
    );
  }

  async function credentials(): Promise<Record<string, string>> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers)) headers[name] = await secrets.resolve(value);
    if (options.bearerToken !== undefined) {
      headers.authorization = `Bearer ${await secrets.resolve(options.bearerToken)}`;
    }
    if (options.basicAuth) {
      const password = await secrets.resolve(options.basicAuth.password);
      headers.authorization = `Basic ${Buffer.from(`${options.basicAuth.username}:${password}`).toString('base64')}`;
    }
    return headers;
  }

  return {
    async write(body) {
      const url = await secrets.resolve(options.writeUrl ?? `${options.url}/api/v1/write`);
      await post(
        url,
        {
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          'x-prometheus-remote-write-version': '0.1.0',
        },
        body,
      );
    },
    async query(path, parameters) {
      const url = `${await secrets.resolve(options.url)}${path}`;
      const form = new URLSearchParams(parameters).toString();
      const answer = await post(url, { 'content-type': 'application/x-www-form-urlencoded' }, form);
      if (!answer.whole)
        throw new PermanentError(`${new URL(url).host} answered more than ${ANSWER_LIMIT_BYTES} bytes`);
      return dataOf(answer.body, new URL(url).host);
    },
  };
}
