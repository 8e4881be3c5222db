import type { ChannelConfig } from '../../core/config/types.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Channel } from '../../core/ports.ts';
import { inTurns } from '../turns.ts';
import type { ChannelAdapter, ChannelDeps } from './channel-adapter.ts';
import { mattermost } from './mattermost/mattermost.ts';
import { mattermostWebhook } from './mattermost/mattermost-webhook.ts';
import { slack } from './slack/slack.ts';
import { slackWebhook } from './slack/slack-webhook.ts';
import { telegram } from './telegram/telegram.ts';
import { webhook } from './webhook/webhook.ts';

/** Every kind of channel. Schema, documentation and command line follow from this list. */
export const CHANNELS = [webhook, mattermost, mattermostWebhook, slack, slackWebhook, telegram] as const;

/**
 * The configured channels by name. Their secrets are resolved once here, so that a missing one is known before an alert
 * needs it. @throws ConfigError for an unknown type, or a secret that cannot be resolved, naming the channel
 */
export async function createChannels(
  configs: readonly ChannelConfig[],
  deps: ChannelDeps,
): Promise<Map<string, Channel>> {
  const channels = new Map<string, Channel>();
  for (const { name, type, options } of configs) {
    const found = CHANNELS.find((candidate) => candidate.type === type);
    if (!found) throw new ConfigError(`channel ${name}: unknown type ${type}`);
    const adapter = found as ChannelAdapter<unknown>;
    const parsed = adapter.options.parse(options);
    for (const secret of adapter.needs(parsed).secrets) {
      await deps.secrets.resolve(secret).catch((cause: unknown) => {
        throw new ConfigError(`channel ${name}`, { cause });
      });
    }
    channels.set(name, inTurns({ ...adapter.create(parsed, deps), shows: adapter.shows(parsed) }));
  }
  return channels;
}
