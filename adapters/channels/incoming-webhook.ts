import { secretSchema } from '../../core/config/secret-text.ts';
import { durationSchema } from '../../core/duration.ts';
import type { Notification, Picture } from '../../core/model/notification.ts';
import type { Destination } from '../../core/model/pace.ts';
import type { Channel } from '../../core/ports.ts';
import { type NetworkOptions, networkFields, networkOf } from '../http/network.ts';
import { type HttpResponse, sendRequest } from '../http/request.ts';
import { checkServer } from '../http/server-check.ts';
import { acceptsField, unclearAnswer } from './answer.ts';
import type { ChannelDeps } from './channel-adapter.ts';
import { type Layout, sendInLayouts } from './layouts.ts';

export const incomingWebhookFields = {
  url: secretSchema.describe('Address of the incoming webhook, a reference: whoever knows it can write'),
  timeout: durationSchema.prefault('10s').describe('How long an answer is waited for'),
  ...acceptsField,
  ...networkFields,
};

/** A chat service whose webhooks answer the text `ok`, as Slack's and Mattermost's do. */
export interface WebhookService {
  name: string;
  /** The destination of an address, with its pace. */
  destination(url: string): Destination;
  /** Layouts of the message, each plainer than the one before. */
  layouts(
    notification: Notification,
    picture: Picture | undefined,
  ): readonly [Layout<unknown>, ...Layout<unknown>[]];
  /** The error that a refusal means; undefined when its status says enough. */
  explain(refusal: HttpResponse): Error | undefined;
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
    destination: async () => service.destination(await address()),
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
      const layouts = service.layouts(notification, picture);
      const { result: answer, note } = await sendInLayouts(layouts, post, { logger, service: service.name });
      const unclear = unclearAnswer(answer, {
        service: service.name,
        confirms: 'the text `ok`',
        isIt: (body) => body === 'ok',
        accepts: options.accepts,
        redact: secrets.redact,
      });
      return { detail: `answered ${answer.status}${note}`, ...(unclear !== undefined && { unclear }) };
    },
    // A webhook has no harmless call: it shows whatever is posted.
    async verify({ signal }) {
      const url = await address();
      const reached = { timeoutMs: options.timeout, signal, network: await network() };
      return { detail: await checkServer(url, reached) };
    },
  };
}
