import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { findReferences, secretAddressSchema, secretSchema } from '../../../core/config/secret-text.ts';
import { durationSchema } from '../../../core/duration.ts';
import { ConfigError } from '../../../core/errors.ts';
import type { Notification, Picture } from '../../../core/model/notification.ts';
import { headersSchema } from '../../http/headers.ts';
import { networkFields, networkOf } from '../../http/network.ts';
import { sendRequest } from '../../http/request.ts';
import { checkServer } from '../../http/server-check.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { destinationOf } from '../destination.ts';
import { multipart, PAYLOAD_PART, PICTURE_PART, type WebhookBody } from './multipart.ts';
import { PICTURE_WAYS, render } from './payload.ts';

/** Names of headers that hold a credential. */
const LOGIN_HEADER = /auth|token|key|secret|cookie|signature/i;

const optionsSchema = z.strictObject({
  url: secretAddressSchema.describe(
    'Address that is posted to; a reference such as `${env:OPS_WEBHOOK_URL}` where it holds a token',
  ),
  secret: secretSchema
    .optional()
    .describe(
      'Key of the signature, a reference; `whsec_…` (base64) or any text. Without it messages are not signed',
    ),
  headers: headersSchema.default({}).describe('Further headers; values may be references'),
  timeout: durationSchema.prefault('10s').describe('How long an answer is waited for'),
  picture: z
    .enum(PICTURE_WAYS)
    .default('base64')
    .describe(
      'The chart inside the JSON, as a part of a `multipart/form-data` body, as an address on our server, or not at all',
    ),
  pace: z
    .strictObject({
      messages: z.number().int().positive().max(1_000).describe('So many messages at most …'),
      per: durationSchema.describe('… in this time; they go evenly, and what is more waits for its turn'),
    })
    .optional()
    .describe(
      'How fast the receiver takes messages, shared by all channels with the same `url`. Without it there is no limit, until the receiver answers 429',
    ),
  ...networkFields,
});

export type WebhookOptions = z.infer<typeof optionsSchema>;

/**
 * Posts JSON (docs/schema/webhook-v1.schema.json). Signed as Standard Webhooks says
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): `webhook-id`,
 * `webhook-timestamp`, `webhook-signature`. The id is the same for every repeat, also as `idempotency-key`.
 */
export const webhook: ChannelAdapter<WebhookOptions> = {
  type: 'webhook',
  title: 'Webhook',
  about: `\`POST\` of JSON: [schema](schema/webhook-v1.schema.json). The picture is inside (\`picture.base64\`), a part of its own in a
\`multipart/form-data\` body (\`picture: multipart\`; the JSON is the part \`${PAYLOAD_PART}\`, the PNG the part \`${PICTURE_PART}\`), or an address
on Bartizan's server (\`picture: url\`).

With a \`secret\` the message is signed as [Standard Webhooks](https://www.standardwebhooks.com) says; any of its libraries
verifies it. By hand:

    signed  = webhook-id + "." + webhook-timestamp + "." + body
    header  = webhook-signature: "v1," + base64(HMAC-SHA256(secret, signed))

Compare in constant time, refuse timestamps more than five minutes off, and drop a \`webhook-id\` that you have seen. Answer
2xx once the message is safe with you: every 2xx counts as accepted, whatever stands in the answer. A receiver that takes only so
many says so by \`pace: { messages: 10, per: 1s }\`, or by answering 429: then it gets one message a second for ten minutes.`,
  example: { url: '${env:OPS_WEBHOOK_URL}', secret: '${env:OPS_WEBHOOK_SECRET}' },
  options: optionsSchema,
  shows: ({ picture }) => (picture === 'none' ? 'none' : picture === 'url' ? 'address' : 'bytes'),
  preview(notification, picture, options) {
    const body = render(notification, picture, options);
    const shown = body.picture?.base64
      ? { ...body.picture, base64: `(${picture?.png.length} bytes)` }
      : body.picture;
    return JSON.stringify({ ...body, picture: shown }, null, 2);
  },
  create(options, { secrets, clock }) {
    const network = networkOf(options, secrets);
    if (findReferences(options.url).length === 0) secrets.hide?.(options.url);
    // The address is secret as a whole, even when it is written into the file; so is a header that logs us in.
    const hidden = async (text: string) => {
      const value = await secrets.resolve(text);
      secrets.hide?.(value);
      return value;
    };
    return {
      async destination() {
        const { messages, per } = options.pace ?? { messages: 1, per: 0 };
        return destinationOf(Math.ceil(per / messages), 'webhook', await hidden(options.url));
      },
      async send(notification, picture, { signal }) {
        const url = await hidden(options.url);
        const { contentType, bytes: body } = bodyOf(notification, picture, options);
        const headers: Record<string, string> = {
          'content-type': contentType,
          'user-agent': 'bartizan',
          'idempotency-key': notification.key,
        };
        for (const [name, value] of Object.entries(options.headers))
          headers[name] = await (LOGIN_HEADER.test(name) ? hidden(value) : secrets.resolve(value));
        if (options.secret !== undefined) {
          const key = await secrets.resolve(options.secret);
          Object.assign(headers, signatureHeaders(notification.key, body, key, clock.nowMs()));
        }
        const request = { method: 'POST', url, headers, body, timeoutMs: options.timeout, signal } as const;
        const reached = { ...request, network: await network() };
        const answer = await sendRequest(reached, { nowMs: clock.nowMs, redact: secrets.redact });
        return { detail: `answered ${answer.status}` };
      },
      async verify({ signal }) {
        const url = await hidden(options.url);
        const texts = [...Object.values(options.headers), options.secret ?? ''];
        const [key = ''] = (await Promise.all(texts.map((text) => secrets.resolve(text)))).slice(-1);
        // Throws for a key that cannot sign.
        keyOf(key);
        return {
          detail: await checkServer(url, { timeoutMs: options.timeout, signal, network: await network() }),
        };
      },
    };
  },
};

function bodyOf(
  notification: Notification,
  picture: Picture | undefined,
  options: WebhookOptions,
): WebhookBody {
  const json = JSON.stringify(render(notification, picture, options));
  if (options.picture === 'multipart' && picture) return multipart(notification.key, json, picture.png);
  return { contentType: 'application/json; charset=utf-8', bytes: Buffer.from(json) };
}

/** @throws ConfigError when a `whsec_` key is not base64 */
export function signatureHeaders(
  id: string,
  body: string | Uint8Array,
  secret: string,
  nowMs: number,
): Record<string, string> {
  const timestamp = Math.floor(nowMs / 1000).toString();
  const signature = createHmac('sha256', keyOf(secret))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

function keyOf(secret: string): Buffer {
  if (!secret.startsWith('whsec_')) return Buffer.from(secret, 'utf8');
  const text = secret.slice('whsec_'.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new ConfigError('secret: behind whsec_ stands no base64');
  return Buffer.from(text, 'base64');
}
