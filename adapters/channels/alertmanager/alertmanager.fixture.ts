import { z } from 'zod';
import type {
  ChannelFixture,
  ChannelService,
  ReceivedRequest,
} from '../../../test/contract/channel-service.ts';

const TOKEN = 'am-token-7Qx19c';
const PASSWORD = 'am-password-55e1';
const TENANT = 'tenant-91f0ab';

const label = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
const labelSet = z.record(label, z.string());
/** As Alertmanager validates them. */
const alertsSchema = z.array(
  z
    .strictObject({
      labels: labelSet.refine(({ alertname }) => alertname !== undefined),
      annotations: labelSet,
      startsAt: z.iso.datetime(),
      endsAt: z.iso.datetime(),
      generatorURL: z.url().optional(),
    })
    .refine(({ startsAt, endsAt }) => startsAt <= endsAt),
);

const bearer: ChannelService = {
  options: (baseUrl) => ({
    urls: [`${baseUrl}/am`],
    bearerToken: '${env:TOKEN}',
    headers: { 'X-Scope-OrgID': '${env:TENANT}' },
  }),
  env: () => ({ TOKEN, TENANT }),
  accept: (request, response) => {
    const { headers } = request;
    if (headers.authorization !== `Bearer ${TOKEN}` || headers['x-scope-orgid'] !== TENANT)
      return response.writeHead(401).end();
    return answer(request, response);
  },
  verifies: ['/am/api/v2/status'],
  answers: 'any 2xx',
  // JSON is data: who shows it makes it harmless.
  temptations: () => [],
};

const basic: ChannelService = {
  ...bearer,
  variant: 'a password',
  options: (baseUrl) => ({
    urls: [`${baseUrl}/am/`],
    basicAuth: { username: 'bartizan', password: '${env:PASSWORD}' },
  }),
  env: () => ({ PASSWORD }),
  accept: (request, response) => {
    const login = Buffer.from(`bartizan:${PASSWORD}`).toString('base64');
    if (request.headers.authorization !== `Basic ${login}`) return response.writeHead(401).end();
    return answer(request, response);
  },
};

/** https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml */
function answer(
  { method, path, headers, body }: ReceivedRequest,
  response: Parameters<typeof bearer.accept>[1],
) {
  if (method === 'GET' && path === '/am/api/v2/status') {
    const status = { cluster: { status: 'ready', peers: [] }, versionInfo: { version: '0.27.0' } };
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(status));
  }
  const fine =
    method === 'POST' &&
    path === '/am/api/v2/alerts' &&
    headers['content-type'] === 'application/json' &&
    alertsSchema.safeParse(JSON.parse(body.toString('utf8'))).success;
  return response.writeHead(fine ? 200 : 400).end();
}

export const fixture: ChannelFixture = {
  services: [bearer, basic],
  acceptedBody: '',
  withoutText: true,
  follows: false,
};
