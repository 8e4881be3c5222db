import { PermanentError } from '../../../core/errors.ts';
import type { Clock, PromqlAnswer, Secrets } from '../../../core/ports.ts';
import { parseJson } from '../../http/json-body.ts';
import { loginHeaders } from '../../http/login.ts';
import { cleanLine, type HttpResponse, responseExcerpt, sendRequest } from '../../http/request.ts';
import { referencesIn } from '../../secrets/option-references.ts';
import { withRenewedSecrets } from '../../secrets/renewal.ts';
import { optionsSchema, type PrometheusOptions } from './options.ts';
import { type Refusal, refusalIn } from './refusals.ts';
import { signer } from './sigv4.ts';
import { dataOf, type PrometheusApi } from './store.ts';

/** The largest answer to a query: 30,000 series of thirty points are about 30 MB. */
const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;

/** https://prometheus.io/docs/specs/prw/remote_write_spec/ */
const WRITE_HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
};

const FORM_HEADERS = { 'content-type': 'application/x-www-form-urlencoded' };

/** The longest answer that we pass on: it holds 30,000 series of sixty points, or 1,000 series of 1,500. */
const PASSED_LIMIT_BYTES = 64 * 1024 * 1024;

/** What Prometheus calls an error that is about the query, by its status. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'bad_data',
  413: 'bad_data',
  422: 'execution',
  503: 'timeout',
};

interface PostOptions {
  explain?: (refusal: HttpResponse) => Error | undefined;
  signal?: AbortSignal;
  limitBytes?: number;
}

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
    { explain, signal, limitBytes = ANSWER_LIMIT_BYTES }: PostOptions = {},
  ): Promise<HttpResponse> {
    const all = { 'user-agent': 'bartizan', ...headers, ...(await loginHeaders(options, secrets)) };
    const signed = sign ? await sign({ url, headers: all, body }) : all;
    return sendRequest(
      {
        method: 'POST',
        url,
        headers: signed,
        body,
        timeoutMs: options.timeout,
        signal: signal ?? new AbortController().signal,
        responseLimitBytes: limitBytes,
        ...(explain && { explain }),
      },
      { nowMs: clock.nowMs, redact: secrets.redact },
    );
  }

  const writeUrl = options.writeUrl ?? `${options.url}/api/v1/write`;
  const references = referencesIn(optionsSchema, options);
  const renewing = <T>(work: () => Promise<T>) =>
    withRenewedSecrets({ secrets, references, what: 'store' }, work);

  return {
    async write(body) {
      let cause: Refusal['cause'] | undefined;
      const ask = async () => {
        const url = await secrets.resolve(writeUrl);
        const explain = (refusal: HttpResponse): Error | undefined => {
          cause = refusalIn(refusal.body);
          if (cause === undefined) return undefined;
          const host = secrets.redact(new URL(url).host);
          return new PermanentError(
            `${host} answered ${refusal.status}: ${responseExcerpt(refusal, secrets.redact)}`,
          );
        };
        try {
          await post(url, WRITE_HEADERS, body, { explain });
          return undefined;
        } catch (error) {
          // What the server says of the samples, no other secret changes.
          if (cause !== undefined && error instanceof PermanentError) return { cause, reason: error.message };
          throw error;
        }
      };
      try {
        return await renewing(ask);
      } catch (error) {
        if (error instanceof PermanentError) return { cause: 'invalid', reason: error.message };
        throw error;
      }
    },
    async query(path, parameters) {
      const form = new URLSearchParams(parameters).toString();
      const { url, answer } = await renewing(async () => {
        const address = `${await secrets.resolve(options.url)}${path}`;
        return { url: address, answer: await post(address, FORM_HEADERS, form) };
      });
      if (!answer.whole)
        throw new PermanentError(`${new URL(url).host} answered more than ${ANSWER_LIMIT_BYTES} bytes`);
      return dataOf(answer.body, new URL(url).host);
    },
    async ask({ path, parameters, signal }) {
      const form = new URLSearchParams(
        parameters.map(([name, value]): [string, string] => [name, value]),
      ).toString();
      return renewing(async () => {
        const url = `${await secrets.resolve(options.url)}/api/v1/${path}`;
        let refused: PromqlAnswer | undefined;
        const explain = (refusal: HttpResponse): Error | undefined => {
          refused = aboutQuery(refusal, secrets.redact);
          return refused && new PermanentError('the query was refused');
        };
        try {
          const passed = { explain, signal, limitBytes: PASSED_LIMIT_BYTES };
          const { status, body, whole } = await post(url, FORM_HEADERS, form, passed);
          if (whole) return { status, body };
        } catch (error) {
          if (refused) return refused;
          throw error;
        }
        throw new PermanentError(`${new URL(url).host} answered more than ${PASSED_LIMIT_BYTES} bytes`);
      });
    },
  };
}

/** The server's error without secrets, where it is about the query and not about us. */
function aboutQuery(
  { status, body }: HttpResponse,
  redact: (text: string) => string,
): PromqlAnswer | undefined {
  if (!Object.hasOwn(ERROR_TYPES, status)) return undefined;
  const answer = parseJson(body) as
    | { status?: unknown; errorType?: unknown; error?: unknown }
    | null
    | undefined;
  if (answer?.status !== 'error' || typeof answer.error !== 'string') return undefined;
  const error = {
    status: 'error',
    // VictoriaMetrics writes the status there.
    errorType: /^[a-z_]+$/.test(String(answer.errorType)) ? answer.errorType : ERROR_TYPES[status],
    error: cleanLine(answer.error, redact),
  };
  return { status, body: JSON.stringify(error) };
}
