import type { ChannelConfig } from '../../core/config/types.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Channel } from '../../core/ports.ts';
import type { ChannelAdapter, ChannelDeps } from './channel-adapter.ts';
import { mattermost } from './mattermost/mattermost.ts';
import { mattermostWebhook } from './mattermost/mattermost-webhook.ts';
import { slack } from './slack/slack.ts';
import { slackWebhook } from './slack/slack-webhook.ts';
import { telegram } from './telegram/telegram.ts';
import { webhook } from './webhook/webhook.ts';

/** Every kind of channel. Schema, documentation and command line follow from this list. */
export const CHANNELS = [webhook, mattermost, mattermostWebhook, slack, slackWebhook, telegram] as const;

/** The configured channels by name. @throws ConfigError for an unknown type */
export function createChannels(configs: readonly ChannelConfig[], deps: ChannelDeps): Map<string, Channel> {
  return new Map(
    configs.map((config) => {
      const adapter = CHANNELS.find((candidate) => candidate.type === config.type) as
        | ChannelAdapter<unknown>
        | undefined;
      if (!adapter) throw new ConfigError(`channel ${config.name}: unknown type ${config.type}`);
      return [config.name, adapter.create(adapter.options.parse(config.options), deps)];
    }),
  );
}
