import { z } from 'zod';
import { durationSchema } from '../../../core/config/duration.ts';
import { secretSchema } from '../../../core/config/secret-text.ts';
import type { Notification, Picture } from '../../../core/notify/model.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { createIncomingWebhook } from '../incoming-webhook.ts';
import { POST_LIMIT, render } from './text.ts';

const optionsSchema = z.strictObject({
  url: secretSchema.describe('Address of the incoming webhook, a reference: whoever knows it can write'),
  picture: z
    .enum(['url', 'none'])
    .default('url')
    .describe(
      '`url`: show the chart from our server, which readers must be able to reach at `server.publicUrl`',
    ),
  timeout: durationSchema.prefault('10s').describe('How long an answer is waited for'),
});

export type MattermostWebhookOptions = z.infer<typeof optionsSchema>;

const COLORS = { firing: '#ff6b6b', resolved: '#4fd18b' } as const;

/** https://developers.mattermost.com/integrate/webhooks/incoming: no upload, but an attachment may name a picture. */
export const mattermostWebhook: ChannelAdapter<MattermostWebhookOptions> = {
  type: 'mattermost-webhook',
  title: 'Mattermost (incoming webhook)',
  about: `Text, and with \`picture: url\` the chart from Bartizan's server, where readers can reach \`server.publicUrl\`. Posts longer
than ${POST_LIMIT} characters would be split, so they lose alerts instead ("and 12 more").`,
  example: { url: '${env:MATTERMOST_WEBHOOK_URL}', picture: 'url' },
  options: optionsSchema as z.ZodType<MattermostWebhookOptions>,
  needs: ({ url }) => ({ secrets: [url], egress: [undefined] }),
  shows: ({ picture }) => (picture === 'url' ? 'address' : 'none'),
  preview: (notification, picture, options) =>
    JSON.stringify(bodyOf(notification, picture, options), null, 2),
  create: (options, deps) =>
    createIncomingWebhook(options, deps, (notification, picture) => bodyOf(notification, picture, options)),
};

function bodyOf(notification: Notification, picture: Picture | undefined, options: MattermostWebhookOptions) {
  const imageUrl = options.picture === 'url' ? picture?.url : undefined;
  const { status } = notification;
  const attachment = { fallback: picture?.alt ?? '', color: COLORS[status], image_url: imageUrl };
  return { text: render(notification), attachments: imageUrl === undefined ? [] : [attachment] };
}
