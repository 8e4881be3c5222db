import type { Notification, Picture } from '../../core/notify/model.ts';
import type { Channel } from '../../core/ports.ts';
import { sendRequest } from '../http.ts';
import { reachServer } from '../reach.ts';
import type { ChannelDeps } from './channel-adapter.ts';

/** A channel that posts one JSON body to an address which is itself the secret, as chat services' webhooks are. */
export function createIncomingWebhook(
  options: { url: string; timeout: number },
  { secrets, clock }: ChannelDeps,
  bodyOf: (notification: Notification, picture: Picture | undefined) => unknown,
): Channel {
  return {
    async send(notification, picture, { signal }) {
      const answer = await sendRequest(
        {
          method: 'POST',
          url: await secrets.resolve(options.url),
          headers: { 'content-type': 'application/json; charset=utf-8' },
          body: JSON.stringify(bodyOf(notification, picture)),
          timeoutMs: options.timeout,
          signal,
        },
        { nowMs: clock.nowMs, redact: secrets.redact },
      );
      return { detail: `answered ${answer.status}` };
    },
    // A webhook knows no harmless call: whatever is posted to it is shown.
    async verify({ signal }) {
      const url = await secrets.resolve(options.url);
      return { detail: await reachServer(url, { timeoutMs: options.timeout, signal }) };
    },
  };
}
