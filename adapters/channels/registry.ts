import { ConfigError } from '../../core/errors.ts';
import type { ChannelConfig } from '../../core/model/config.ts';
import type { Channel } from '../../core/ports.ts';
import { channelInTurns } from '../event-loop/turns.ts';
import { referencesIn } from '../secrets/option-references.ts';
import { type Renewal, withRenewedSecrets } from '../secrets/renewal.ts';
import { alertmanager } from './alertmanager/alertmanager.ts';
import type { ChannelAdapter, ChannelDeps } from './channel-adapter.ts';
import { mattermost } from './mattermost/mattermost.ts';
import { mattermostWebhook } from './mattermost/mattermost-webhook.ts';
import { slack } from './slack/slack.ts';
import { slackWebhook } from './slack/slack-webhook.ts';
import { telegram } from './telegram/telegram.ts';
import { webhook } from './webhook/webhook.ts';

/** Every type of channel. Schema, documentation, command line and contract tests follow from this list. */
export const CHANNELS: readonly ChannelAdapter[] = [
  webhook,
  mattermost,
  mattermostWebhook,
  slack,
  slackWebhook,
  telegram,
  alertmanager,
];

export function findChannelAdapter(type: string): ChannelAdapter | undefined {
  return CHANNELS.find((adapter) => adapter.type === type);
}

/**
 * Creates the configured channels, by name. Resolves their secrets once, so that a missing secret fails the start and not
 * the first alert. @throws ConfigError for an unknown type or a secret that cannot be resolved; it names the channel
 */
export async function createChannels(
  configs: readonly ChannelConfig[],
  deps: ChannelDeps,
): Promise<Map<string, Channel>> {
  const channels = new Map<string, Channel>();
  for (const { name, type, options } of configs) {
    const adapter = findChannelAdapter(type);
    if (!adapter) throw new ConfigError(`channel ${name}: unknown type ${type}`);
    const parsed = adapter.options.parse(options);
    const references = referencesIn(adapter.options, parsed);
    for (const reference of references) {
      await deps.secrets.resolve(reference).catch((cause: unknown) => {
        throw new ConfigError(`channel ${name}`, { cause });
      });
    }
    const channel = { ...adapter.create(parsed, deps), shows: adapter.shows(parsed) };
    channels.set(name, channelInTurns(renewing(channel, { ...deps, references, what: `channel ${name}` })));
  }
  return channels;
}

/** Repeats a refused call once when one of the channel's secrets has changed meanwhile. */
function renewing(channel: Channel, renewal: Renewal): Channel {
  const { verify, follow } = channel;
  return {
    ...channel,
    send: (...message) => withRenewedSecrets(renewal, () => channel.send(...message)),
    ...(verify && { verify: (options) => withRenewedSecrets(renewal, () => verify(options)) }),
    ...(follow && { follow: (...reply) => withRenewedSecrets(renewal, () => follow(...reply)) }),
  };
}
