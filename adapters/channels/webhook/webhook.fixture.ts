import { createHmac } from 'node:crypto';
import type {
  ChannelFixture,
  ChannelService,
  ReceivedRequest,
} from '../../../test/contract/channel-service.ts';
import { samplePicture } from '../../../test/contract/notifications.ts';
import { payloadSchema } from './payload.ts';

const TOKEN = "tok'en-8f3a9c1e77&x/Part2=b";
const KEY = 'hmac-key-51b2d0';
const HEADER = 'bearer-9d2e4f';
const LITERAL = 'written-into-the-file-44Qw';

const shared = {
  answers: 'any 2xx',
  // JSON is data: who shows it makes it harmless.
  temptations: () => [],
  verifies: [],
  keyOf: (request: ReceivedRequest) => String(request.headers['idempotency-key']),
} as const;

const signed: ChannelService = {
  ...shared,
  options: (baseUrl) => ({
    url: `${baseUrl}/hooks/\${env:TOKEN}`,
    secret: '${env:KEY}',
    headers: { authorization: 'Bearer ${env:HEADER}' },
  }),
  env: () => ({ TOKEN, KEY, HEADER }),
  accept(request, response) {
    const fine =
      isSigned(request, KEY) &&
      request.headers.authorization === `Bearer ${HEADER}` &&
      request.path === new URL(`http://h/hooks/${TOKEN}`).pathname &&
      payloadSchema.safeParse(JSON.parse(request.body.toString('utf8'))).success;
    response.writeHead(fine ? 202 : 400).end();
  },
};

const literal: ChannelService = {
  ...shared,
  variant: 'its address and a login in the file',
  options: (baseUrl) => ({
    url: `${baseUrl.replace('//', '//me:literal-login-7@')}/hooks/${LITERAL}`,
    headers: { 'x-api-key': 'header-in-the-file-9' },
  }),
  env: () => ({}),
  secrets: () => [`/hooks/${LITERAL}`, 'literal-login-7', 'header-in-the-file-9'],
  accept: (request, response) => response.writeHead(request.path.endsWith(LITERAL) ? 200 : 404).end(),
};

const multipart: ChannelService = {
  ...signed,
  variant: 'multipart',
  options: (baseUrl) => ({ ...signed.options(baseUrl), picture: 'multipart' }),
  async accept(request, response) {
    const { headers, body } = request;
    // Without a picture it is the JSON alone.
    if (headers['content-type']?.startsWith('application/json')) return response.writeHead(202).end();
    const form = await new Response(Uint8Array.from(body), {
      headers: { 'content-type': String(headers['content-type']) },
    }).formData();
    const [payload, picture] = [form.get('payload'), form.get('picture')] as [string, File];
    const parsed = payloadSchema.safeParse(JSON.parse(payload));
    const fine =
      isSigned(request, KEY) &&
      parsed.data?.picture?.part === 'picture' &&
      parsed.data.picture.base64 === null &&
      picture.type === 'image/png' &&
      Buffer.from(await picture.arrayBuffer()).equals(samplePicture.png);
    return response.writeHead(fine ? 202 : 400).end();
  },
};

export const fixture: ChannelFixture = {
  services: [signed, literal, multipart],
  acceptedBody: '',
  carriesSecrets(request, values) {
    const { path, headers } = request;
    const [token, key, header] = ['TOKEN', 'KEY', 'HEADER'].map((name) => values.get(name) ?? '');
    return (
      isSigned(request, key ?? '') &&
      path.includes(token ?? '') &&
      headers.authorization === `Bearer ${header}`
    );
  },
  follows: false,
};

function isSigned({ headers, body }: ReceivedRequest, key: string): boolean {
  const mac = createHmac('sha256', key)
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`)
    .update(body);
  return headers['webhook-signature'] === `v1,${mac.digest('base64')}`;
}
