import type { Destination } from '../../../core/model/pace.ts';
import { destinationOf } from '../destination.ts';

/**
 * A server counts all requests from one address, for whichever channel: ten a second by default, when its limit is on. https://docs.mattermost.com/administration-guide/configure/rate-limiting-configuration-settings.html
 * With a picture a message is two requests, which the burst of a hundred allows.
 */
const EVERY_MS = 100;

export function serverOf(url: string): Destination {
  return destinationOf(EVERY_MS, 'mattermost', URL.canParse(url) ? new URL(url).origin : url);
}
