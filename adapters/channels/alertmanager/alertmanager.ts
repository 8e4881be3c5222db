import { z } from 'zod';
import { certificatePair } from '../../../core/config/certificate-pair.ts';
import { positiveDurationSchema } from '../../../core/config/field-schemas.ts';
import { findReferences, secretAddressSchema } from '../../../core/config/secret-text.ts';
import { durationSchema } from '../../../core/duration.ts';
import { ConfigError, describeError, PermanentError, RetryableError } from '../../../core/errors.ts';
import type { Receipt } from '../../../core/ports.ts';
import { parseJson } from '../../http/json-body.ts';
import { loginFields, loginHeaders, oneLogin } from '../../http/login.ts';
import { clientCertificateFields, hideLogin, networkFields, networkOf } from '../../http/network.ts';
import { type HttpResponse, responseExcerpt, sendRequest } from '../../http/request.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { destinationOf } from '../destination.ts';
import { render } from './payload.ts';

const MOST_SERVERS = 10;
/** The status holds the whole configuration. */
const ANSWER_LIMIT_BYTES = 8 * 1024 * 1024;

const optionsSchema = z
  .strictObject({
    urls: z
      .array(secretAddressSchema)
      .min(1)
      .max(MOST_SERVERS)
      .describe(
        'Addresses of Alertmanager, with its path prefix if it has one; `/api/v2/alerts` is added. Of several that form a cluster list all: each gets every alert',
      )
      .meta({ examples: [['http://am-1:9093', 'http://am-2:9093']] }),
    endsAfter: positiveDurationSchema
      .prefault('1d')
      .describe(
        'An alert ends there so long after the last message about it, in case no further one comes. Longer than the `repeatInterval` of its routes',
      ),
    ...loginFields,
    timeout: durationSchema.prefault('10s').describe('How long an answer is waited for'),
    ...networkFields,
    ...clientCertificateFields,
  })
  .superRefine(...oneLogin)
  .superRefine(...certificatePair);

export type AlertmanagerOptions = z.infer<typeof optionsSchema>;

interface Answer {
  /** Host and port. */
  server: string;
  status?: number;
  error?: unknown;
}

/** Posts alerts as Prometheus does: https://prometheus.io/docs/alerting/latest/alerts_api/ */
export const alertmanager: ChannelAdapter<AlertmanagerOptions> = {
  type: 'alertmanager',
  title: 'Alertmanager',
  about: `Posts alerts to your own Alertmanager as Prometheus does, for its routes, silences and receivers. Labels are \`alertname\` (the rule),
\`severity\`, those of the series and those of the inventory; annotations are \`title\`, \`summary\`, \`runbook_url\` and, where a probe failed,
\`description\`. It takes no picture.

Alertmanager groups and repeats by itself, so a route to it should send everything at once, and say often that alerts still fire:

    routes:
      - { name: alertmanager, channels: [am], continue: true, groupBy: [cluster], groupInterval: 30s, repeatInterval: 5m }

**Alertmanager forgets alerts.** It takes one for resolved \`endsAfter\` after the last message about it, and knows none after its own restart
until the next message. \`repeatInterval\` is how often a message comes, so it must be shorter than \`endsAfter\`; \`bartizan check\` warns where it
is not. The default of a day suits the default \`repeatInterval\` of four hours. With \`repeatInterval: 5m\` write \`endsAfter: 20m\`: alerts are back
five minutes after a restart of Alertmanager, and end there twenty minutes after Bartizan died. A message about an alert that ended has its end,
so it ends there at once. A silence of ours withholds what is new about an alert, and ends nothing there: one that Alertmanager knows goes on with each
message about others of its group, and ends \`endsAfter\` after the last of these. So silence in Alertmanager what is to be quiet there.

Of several addresses each gets every message. It is delivered when one accepts it; while others do not, it is sent once more, and then there is a
warning that names them. A server that could not be reached gets what fires with the next message; of an alert that ended meanwhile it learns by
its \`endsAfter\` alone. When all refuse a message, it is tried again as in every channel. 2xx means accepted. With 400 Alertmanager has refused
alerts of the message; its answer names them.`,
  example: {
    urls: ['http://am-1.example.net:9093', 'http://am-2.example.net:9093'],
    endsAfter: '1d',
  },
  options: optionsSchema,
  endsAfterMs: ({ endsAfter }) => endsAfter,
  shows: () => 'none',
  preview: (notification, _picture, options) => JSON.stringify(render(notification, options), null, 2),
  create(options, { secrets, clock }) {
    const network = networkOf(options, secrets);

    async function addresses(): Promise<string[]> {
      const urls = await Promise.all(options.urls.map((url) => secrets.resolve(url)));
      for (const [i, url] of urls.entries()) {
        if (findReferences(options.urls[i] ?? '').length > 0) secrets.hide?.(url);
        else hideLogin(url, secrets);
      }
      return urls.map((url) => url.replace(/\/+$/, ''));
    }

    async function request(
      url: string,
      method: 'GET' | 'POST',
      path: string,
      signal: AbortSignal,
      body?: string,
    ): Promise<HttpResponse> {
      const headers = {
        'user-agent': 'bartizan',
        ...(await loginHeaders(options, secrets)),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      };
      return sendRequest(
        {
          method,
          url: url + path,
          headers,
          ...(body !== undefined && { body }),
          timeoutMs: options.timeout,
          responseLimitBytes: ANSWER_LIMIT_BYTES,
          signal,
          network: await network(),
        },
        { nowMs: clock.nowMs, redact: secrets.redact },
      );
    }

    /** Asks all servers at the same time; one that is slow delays none. */
    async function ask(send: (url: string) => Promise<HttpResponse>): Promise<Answer[]> {
      return Promise.all(
        (await addresses()).map(async (url): Promise<Answer> => {
          const server = secrets.redact(URL.canParse(url) ? new URL(url).host : 'an address');
          try {
            return { server, status: (await send(url)).status };
          } catch (error) {
            return { server, error };
          }
        }),
      );
    }

    return {
      destination: async () => destinationOf(0, 'alertmanager', ...(await addresses())),
      async send(notification, _picture, { signal }) {
        const body = JSON.stringify(render(notification, options));
        return receiptOf(await ask((url) => request(url, 'POST', '/api/v2/alerts', signal, body)));
      },
      async verify({ signal }) {
        const answers = await ask(async (url) => {
          const answer = await request(url, 'GET', '/api/v2/status', signal);
          if (!isStatus(answer))
            throw new RetryableError(
              `answered ${answer.status}, but not as Alertmanager does: ${responseExcerpt(answer, secrets.redact)}`,
            );
          return answer;
        });
        const failed = answers.filter(({ error }) => error !== undefined);
        if (failed.length > 0) throw commonError(failed);
        return { detail: `${answers.map(({ server }) => server).join(', ')}: Alertmanager answers` };
      },
    };
  },
};

function isStatus({ body }: HttpResponse): boolean {
  const parsed = parseJson(body) as { versionInfo?: unknown } | null | undefined;
  return typeof parsed === 'object' && parsed?.versionInfo !== undefined;
}

/** @throws where no server has accepted the message */
function receiptOf(answers: readonly Answer[]): Receipt {
  const failed = answers.filter(({ error }) => error !== undefined);
  const accepted = answers.filter(({ error }) => error === undefined);
  if (accepted.length === 0) throw commonError(failed);
  const detail = accepted.map(({ server, status }) => `${server} answered ${status}`).join(', ');
  if (failed.length === 0) return { detail };
  const why = failed.map(textOf).join('; ');
  return { detail, unclear: `${accepted.length} of ${answers.length} have the message, but not ${why}` };
}

/** One that a further try may mend; else one that the operator must. */
function commonError(failed: readonly Answer[]): unknown {
  const [first] = failed;
  if (failed.length === 1) return first?.error;
  const message = failed.map(textOf).join('; ');
  const errors = failed.map(({ error }) => error);
  const waits = errors.flatMap((error) =>
    error instanceof RetryableError ? (error.retryAfterMs ?? []) : [],
  );
  if (errors.some((error) => !(error instanceof ConfigError) && !(error instanceof PermanentError)))
    return new RetryableError(message, waits.length > 0 ? { retryAfterMs: Math.max(...waits) } : {});
  return errors.some((error) => error instanceof ConfigError)
    ? new ConfigError(message)
    : new PermanentError(message);
}

function textOf({ server, error }: Answer): string {
  const text = describeError(error);
  return text.includes(server) ? text : `${server}: ${text}`;
}
