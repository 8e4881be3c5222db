import { z } from 'zod';
import { durationSchema } from '../../../core/config/duration.ts';
import { secretSchema } from '../../../core/config/secret-text.ts';
import { sendRequest } from '../../http.ts';
import type { ChannelAdapter } from '../channel-adapter.ts';
import { render } from './text.ts';

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
  options: optionsSchema as z.ZodType<MattermostWebhookOptions>,
  needs: ({ url }) => ({ secrets: [url], egress: [undefined] }),
  create(options, { secrets, clock }) {
    return {
      async send(notification, picture, { signal }) {
        const imageUrl = options.picture === 'url' ? picture?.url : undefined;
        const image = imageUrl === undefined ? {} : { image_url: imageUrl };
        const attachment = { fallback: picture?.alt ?? '', color: COLORS[notification.status], ...image };
        const attachments = imageUrl === undefined ? [] : [attachment];
        const answer = await sendRequest(
          {
            method: 'POST',
            url: await secrets.resolve(options.url),
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ text: render(notification), attachments }),
            timeoutMs: options.timeout,
            signal,
          },
          { nowMs: clock.nowMs, redact: secrets.redact },
        );
        return { detail: `answered ${answer.status}` };
      },
    };
  },
};
