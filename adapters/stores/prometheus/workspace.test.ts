import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../../core/errors.ts';
import { outOfOrderWindowSeconds } from './workspace.ts';

let server: Server;
let requests: IncomingMessage[];
let answer: (response: ServerResponse) => unknown;
beforeEach(async () => {
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    answer(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

function ask(): Promise<number> {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret-8812' };
  return outOfOrderWindowSeconds({ region: 'eu-west-1', id: 'ws-1' }, { endpoint, credentials });
}
const json = (status: number, body: object) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

it('asks for the configuration of the workspace, signed for the service', async () => {
  const status = { statusCode: 'ACTIVE' };
  answer = json(200, { workspaceConfiguration: { status, outOfOrderTimeWindowInSeconds: 600 } });
  expect(await ask()).toBe(600);
  const [request] = requests;
  expect([request?.method, request?.url]).toEqual(['GET', '/workspaces/ws-1/configuration']);
  expect(request?.headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/aps\/aws4_request, /,
  );
});

it.each([0, undefined])('%s: off, and what AWS has by default', async (seconds) => {
  answer = json(200, { workspaceConfiguration: { outOfOrderTimeWindowInSeconds: seconds } });
  expect(await ask()).toBe(seconds ?? 60);
});

it.each([
  [404, ConfigError, /^workspace ws-1 in eu-west-1: .*not found.*: there is no such workspace$/],
  [403, ConfigError, /not authorized/],
  [500, RetryableError, /answered 500/],
] as const)('%i', async (status, kind, refusal) => {
  const messages = { 404: 'Workspace not found', 403: 'User is not authorized', 500: 'oops' };
  answer = json(status, { message: messages[status] });
  const error = await ask().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toMatch(refusal);
  expect(String(((error as Error).cause as Error | undefined)?.name ?? '')).toBe(
    status === 403 ? 'AccessDeniedException' : '',
  );
});
