import type { ChannelFixture } from '../../../test/contract/channel-service.ts';
import { messageOf, readSlackPreview, slackTemptations } from './fake-slack.fixture.ts';

const HOOK_PATH = '/services/T0A1B2C3D/B4E5F6G7H/hook-secret-91Xy';

export const fixture: ChannelFixture = {
  services: [
    {
      options: () => ({ url: '${env:HOOK}', picture: 'url' }),
      env: (baseUrl) => ({ HOOK: `${baseUrl}${HOOK_PATH}` }),
      accept: (request, response) => response.writeHead(request.path === HOOK_PATH ? 200 : 404).end('ok'),
      verifies: [],
      answers: 'read',
      temptations: (request) => slackTemptations(messageOf(request)),
      layout: {
        refuse: (_, response) => response.writeHead(400).end('invalid_blocks'),
        isPlain: (request) => messageOf(request).blocks === undefined,
      },
    },
  ],
  acceptedBody: 'ok',
  follows: false,
  readPreview: readSlackPreview,
};
