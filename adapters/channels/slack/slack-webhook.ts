import { z } from 'zod';
import type { Notification, Picture } from '../../../core/model/notification.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { destinationOf } from '../destination.ts';
import { createIncomingWebhook, incomingWebhookFields } from '../incoming-webhook.ts';
import { MESSAGE_EVERY_MS } from './api.ts';
import { imageBlock, render } from './blocks.ts';
import { plainMessage } from './plain.ts';
import { webhookRefusal } from './refusals.ts';

const { url, ...rest } = incomingWebhookFields;
const optionsSchema = z.strictObject({
  url,
  picture: z
    .enum(['url', 'none'])
    .default('none')
    .describe(
      '`url`: show the chart from our server, which Slack must be able to reach at `server.publicUrl`',
    ),
  ...rest,
});

export type SlackWebhookOptions = z.infer<typeof optionsSchema>;

/**
 * An incoming webhook takes text and blocks, no upload (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
 */
export const slackWebhook: ChannelAdapter<SlackWebhookOptions> = {
  type: 'slack-webhook',
  title: 'Slack (incoming webhook)',
  about: `Text and blocks. An incoming webhook takes no upload; with \`picture: url\` the chart is shown from Bartizan's server, which
Slack must be able to reach at \`server.publicUrl\`. Slack answers the text \`ok\` when it has the message. Blocks that it refuses
are sent again without the picture, then as plain text. Slack takes one message a second from a webhook: more wait for their turn.`,
  example: { url: '${env:SLACK_WEBHOOK_URL}', picture: 'url' },
  options: optionsSchema,
  shows: ({ picture }) => (picture === 'url' ? 'address' : 'none'),
  preview: (notification, picture, options) =>
    JSON.stringify(bodyOf(notification, picture, options), null, 2),
  create: (options, deps) =>
    createIncomingWebhook(options, deps, {
      name: 'slack-webhook',
      explain: webhookRefusal,
      destination: (url) => destinationOf(MESSAGE_EVERY_MS, 'slack-webhook', url),
      layouts(notification, picture) {
        const shown = options.picture === 'url' && picture?.url !== undefined;
        const blocks = { body: bodyOf(notification, undefined, options) };
        const plain = { body: plainMessage(notification), without: 'as plain text' };
        return shown
          ? [
              { body: bodyOf(notification, picture, options) },
              { ...blocks, without: 'without its picture' },
              plain,
            ]
          : [blocks, plain];
      },
    }),
};

function bodyOf(notification: Notification, picture: Picture | undefined, options: SlackWebhookOptions) {
  const { text, blocks } = render(notification);
  const image =
    options.picture === 'url' && picture?.url ? [imageBlock({ url: picture.url }, picture.alt)] : [];
  return { text, blocks: [...blocks, ...image] };
}
