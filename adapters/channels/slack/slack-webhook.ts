import { z } from 'zod';
import { durationSchema } from '../../../core/config/duration.ts';
import { secretSchema } from '../../../core/config/secret-text.ts';
import type { Notification, Picture } from '../../../core/notify/model.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { createIncomingWebhook } from '../incoming-webhook.ts';
import { imageBlock, render } from './blocks.ts';

const optionsSchema = z.strictObject({
  url: secretSchema.describe('Address of the incoming webhook, a reference: whoever knows it can write'),
  picture: z
    .enum(['url', 'none'])
    .default('none')
    .describe(
      '`url`: show the chart from our server, which Slack must be able to reach at `server.publicUrl`',
    ),
  timeout: durationSchema.prefault('10s').describe('How long an answer is waited for'),
});

export type SlackWebhookOptions = z.infer<typeof optionsSchema>;

/**
 * An incoming webhook takes text and blocks, no upload (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
 */
export const slackWebhook: ChannelAdapter<SlackWebhookOptions> = {
  type: 'slack-webhook',
  title: 'Slack (incoming webhook)',
  about: `Text and blocks. An incoming webhook takes no upload; with \`picture: url\` the chart is shown from Bartizan's server, which
Slack must be able to reach at \`server.publicUrl\`.`,
  example: { url: '${env:SLACK_WEBHOOK_URL}', picture: 'url' },
  options: optionsSchema as z.ZodType<SlackWebhookOptions>,
  needs: ({ url }) => ({ secrets: [url], egress: ['hooks.slack.com'] }),
  shows: ({ picture }) => (picture === 'url' ? 'address' : 'none'),
  preview: (notification, picture, options) =>
    JSON.stringify(bodyOf(notification, picture, options), null, 2),
  create: (options, deps) =>
    createIncomingWebhook(options, deps, (notification, picture) => bodyOf(notification, picture, options)),
};

function bodyOf(notification: Notification, picture: Picture | undefined, options: SlackWebhookOptions) {
  const { text, blocks } = render(notification);
  const image =
    options.picture === 'url' && picture?.url ? [imageBlock({ url: picture.url }, picture.alt)] : [];
  return { text, blocks: [...blocks, ...image] };
}
