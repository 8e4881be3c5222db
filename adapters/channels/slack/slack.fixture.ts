import type { ChannelFixture } from '../../../test/contract/channel-service.ts';
import { createFakeSlack, messageOf, readSlackPreview, slackTemptations } from './fake-slack.fixture.ts';

const TOKEN = 'xoxb-7d1f-token';
let host = '';
const fake = createFakeSlack({ token: TOKEN, channel: 'C1', host: () => host });

export const fixture: ChannelFixture = {
  services: [
    {
      options(apiUrl) {
        host = apiUrl;
        return { token: '${env:TOKEN}', channel: 'C1', apiUrl };
      },
      env: () => ({ TOKEN }),
      accept: fake.handle,
      stable: (text) => text.replaceAll(/F\d+/g, 'FILE'),
      verifies: ['/auth.test'],
      answers: 'read',
      temptations: (request) => slackTemptations(messageOf(request)),
      layout: {
        refuse(request, response) {
          if (request.path !== '/chat.postMessage') return fake.handle(request, response);
          return response.writeHead(200).end('{"ok":false,"error":"invalid_blocks"}');
        },
        isPlain: (request) => request.path === '/chat.postMessage' && messageOf(request).blocks === undefined,
      },
    },
  ],
  acceptedBody: '{"ok":true,"ts":"1.2"}',
  follows: true,
  readPreview: readSlackPreview,
};
