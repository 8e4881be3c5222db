import { z } from 'zod';
import type { Notification, Picture } from '../../../core/model/notification.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { createIncomingWebhook, incomingWebhookFields } from '../incoming-webhook.ts';
import { plainWithin, STATUS_COLORS } from '../message-text.ts';
import { serverOf } from './pace.ts';
import { mattermostRefusal } from './refusals.ts';
import { literal, PLAIN_LIMIT, POST_LIMIT, render } from './text.ts';

const { url, ...rest } = incomingWebhookFields;
const optionsSchema = z.strictObject({
  url,
  picture: z
    .enum(['url', 'none'])
    .default('url')
    .describe(
      '`url`: show the chart from our server, which readers must be able to reach at `server.publicUrl`',
    ),
  ...rest,
});

export type MattermostWebhookOptions = z.infer<typeof optionsSchema>;

/** https://developers.mattermost.com/integrate/webhooks/incoming: no upload, but an attachment may name a picture. */
export const mattermostWebhook: ChannelAdapter<MattermostWebhookOptions> = {
  type: 'mattermost-webhook',
  title: 'Mattermost (incoming webhook)',
  about: `Text, and with \`picture: url\` the chart from Bartizan's server, where readers can reach \`server.publicUrl\`. Posts longer
than ${POST_LIMIT} characters would be split, so they lose alerts instead ("and 12 more"). Mattermost answers the text \`ok\` when
it has the message. At most ten messages a second go to one server, what Mattermost takes by default where its limit is on.`,
  example: { url: '${env:MATTERMOST_WEBHOOK_URL}', picture: 'url' },
  options: optionsSchema,
  shows: ({ picture }) => (picture === 'url' ? 'address' : 'none'),
  preview: (notification, picture, options) =>
    JSON.stringify(bodyOf(notification, picture, options), null, 2),
  create: (options, deps) =>
    createIncomingWebhook(options, deps, {
      name: 'mattermost-webhook',
      explain: mattermostRefusal('mattermost-webhook'),
      destination: serverOf,
      layouts: (notification, picture) => [
        { body: bodyOf(notification, picture, options) },
        { body: { text: plainWithin(notification, PLAIN_LIMIT, literal) }, without: 'as plain text' },
      ],
    }),
};

function bodyOf(notification: Notification, picture: Picture | undefined, options: MattermostWebhookOptions) {
  const imageUrl = options.picture === 'url' ? picture?.url : undefined;
  const { status } = notification;
  const attachment = { fallback: picture?.alt ?? '', color: STATUS_COLORS[status], image_url: imageUrl };
  return { text: render(notification), attachments: imageUrl === undefined ? [] : [attachment] };
}
