import { type MessageLine, markdownLines } from '../../../test/channel-page/message.ts';
import type { ChannelFixture } from '../../../test/contract/channel-service.ts';
import { mattermostTemptations } from './fake-mattermost.fixture.ts';

const HOOK_PATH = '/hooks/mm-hook-77Kq3z';

export const fixture: ChannelFixture = {
  services: [
    {
      options: () => ({ url: '${env:HOOK}' }),
      env: (baseUrl) => ({ HOOK: `${baseUrl}${HOOK_PATH}` }),
      accept(request, response) {
        JSON.parse(request.body.toString('utf8'));
        response.writeHead(request.path === HOOK_PATH ? 200 : 404).end('ok');
      },
      verifies: [],
      answers: 'read',
      temptations: ({ body }) => mattermostTemptations(JSON.parse(body.toString('utf8')).text),
      layout: {
        refuse: (_, response) =>
          response.writeHead(400).end('{"id":"web.incoming_webhook.text.app_error","status_code":400}'),
        isPlain: ({ body }) => !body.includes('attachments'),
      },
    },
  ],
  acceptedBody: 'ok',
  follows: false,
  readPreview(preview) {
    const body = JSON.parse(preview) as { text: string; attachments?: { image_url?: string }[] };
    const chart: MessageLine[] = body.attachments?.some(({ image_url }) => image_url)
      ? [{ kind: 'chart' }]
      : [];
    return [...markdownLines(body.text), ...chart];
  },
};
