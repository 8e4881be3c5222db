import { durationSchema } from '../../core/config/duration.ts';
import { secretSchema } from '../../core/config/secret-text.ts';
import type { Notification, Picture } from '../../core/notify/model.ts';
import type { Channel } from '../../core/ports.ts';
import { type HttpAnswer, sendRequest } from '../http.ts';
import { type NetworkOptions, networkFields, networkOf } from '../network.ts';
import { reachServer } from '../reach.ts';
import { acceptsField, unclearAnswer } from './answer.ts';
import type { ChannelDeps } from './channel-adapter.ts';
import { sendPlainer, type Way } from './plainer.ts';

export const incomingWebhookFields = {
  url: secretSchema.describe('Address of the incoming webhook, a reference: whoever knows it can write'),
  timeout: durationSchema.prefault('10s').describe('How long an answer is waited for'),
  ...acceptsField,
  ...networkFields,
};

/** A chat service whose webhooks answer the text `ok`, as Slack's and Mattermost's do. */
export interface WebhookService {
  name: string;
  /** The message, each way plainer than the one before. */
  ways(notification: Notification, picture: Picture | undefined): readonly [Way<unknown>, ...Way<unknown>[]];
  /** What a refusal means; undefined: what its status says. */
  explain(refusal: HttpAnswer): Error | undefined;
}

/** A channel that posts one JSON body to an address which is itself the secret, as chat services' webhooks are. */
export function createIncomingWebhook(
  options: { url: string; timeout: number; accepts: readonly string[] } & NetworkOptions,
  { secrets, clock, logger }: ChannelDeps,
  service: WebhookService,
): Channel {
  const network = networkOf(options, secrets);
  const address = async () => {
    const url = await secrets.resolve(options.url);
    secrets.hide?.(url);
    return url;
  };
  return {
    async send(notification, picture, { signal }) {
      const way = { url: await address(), network: await network() };
      const post = (body: unknown) =>
        sendRequest(
          {
            method: 'POST',
            ...way,
            headers: { 'content-type': 'application/json; charset=utf-8' },
            body: JSON.stringify(body),
            timeoutMs: options.timeout,
            signal,
            explain: service.explain,
          },
          { nowMs: clock.nowMs, redact: secrets.redact },
        );
      const ways = service.ways(notification, picture);
      const { result: answer, note } = await sendPlainer(ways, post, { logger, service: service.name });
      const unclear = unclearAnswer(answer, {
        service: service.name,
        says: 'the text `ok`',
        isIt: (body) => body === 'ok',
        accepts: options.accepts,
        redact: secrets.redact,
      });
      return { detail: `answered ${answer.status}${note}`, ...(unclear !== undefined && { unclear }) };
    },
    // A webhook knows no harmless call: whatever is posted to it is shown.
    async verify({ signal }) {
      const url = await address();
      const reached = { timeoutMs: options.timeout, signal, network: await network() };
      return { detail: await reachServer(url, reached) };
    },
  };
}
