import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { ConfigError, PermanentError } from '../../../core/errors.ts';
import { sampleNotification } from '../../../test/contract/notifications.ts';
import { createSecrets } from '../../secrets/secrets.ts';
import { slackWebhook } from './slack-webhook.ts';

const HOOK_PATH = '/services/T0A1B2C3D/B4E5F6G7H/hook-secret-91Xy';
const env = { HOOK: '' };
const deps = { secrets: createSecrets({ baseDir: '/etc/bartizan', env }), clock: { nowMs: Date.now } };

it.each([
  [404, 'no_service', ConfigError, /does not know the webhook/],
  [410, 'channel_is_archived', ConfigError, /the channel is archived/],
  [403, 'action_prohibited', ConfigError, /a rule of the workspace/],
  [400, 'invalid_payload', PermanentError, /invalid_payload$/],
  [404, '<html>no page</html>', PermanentError, /answered 404/],
])('the webhook turns %i %s into the right error', async (status, body, type, expected) => {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  env.HOOK = `http://127.0.0.1:${(server.address() as AddressInfo).port}${HOOK_PATH}`;
  const channel = slackWebhook.create(slackWebhook.options.parse({ url: '${env:HOOK}' }), deps);
  const { signal } = new AbortController();
  const error = await channel.send(sampleNotification(), undefined, { signal }).catch((reason) => reason);
  expect(error).toBeInstanceOf(type);
  expect(error.message).toMatch(expected);
  server.close();
});
