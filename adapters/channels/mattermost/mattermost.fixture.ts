import type { ChannelFixture } from '../../../test/contract/channel-service.ts';
import {
  createFakeMattermost,
  mattermostTemptations,
  readMattermostPreview,
} from './fake-mattermost.fixture.ts';

const TOKEN = 'mm-token-4411';
const fake = createFakeMattermost(TOKEN);

export const fixture: ChannelFixture = {
  services: [
    {
      options: (url) => ({ url, token: '${env:TOKEN}', channelId: 'ch1' }),
      env: () => ({ TOKEN }),
      accept: fake.handle,
      answers: 'read',
      temptations: ({ body }) => mattermostTemptations(JSON.parse(body.toString('utf8')).message),
      layout: {
        refuse(request, response) {
          if (request.path !== '/api/v4/posts') return fake.handle(request, response);
          return response.writeHead(400).end('{"id":"model.post.is_valid.msg.app_error"}');
        },
        isPlain: ({ path, body }) => path === '/api/v4/posts' && !body.includes('**'),
      },
      stable: (text) => text.replaceAll(/file\d+/g, 'FILE'),
      verifies: ['/api/v4/users/me', '/api/v4/channels/ch1'],
    },
  ],
  acceptedBody: '{"id":"post1"}',
  follows: true,
  readPreview: readMattermostPreview,
};
