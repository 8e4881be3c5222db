// Credentials of the store that were rotated while an old value is kept.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SampleStore } from '../../../core/ports.ts';
import { createPrometheusApi } from './api.ts';
import { prometheus } from './prometheus.ts';
import { createPrometheusStore } from './store.ts';

const NOW = 1_700_000_000_000;
const NEW = 'new-token-77f';
let server: Server;
let url: string;
let asked: number;
let refusal: number;

beforeEach(async () => {
  asked = 0;
  server = createServer((request, response) => {
    asked++;
    const headers = JSON.stringify(request.headers);
    const right = headers.includes(NEW) || headers.includes(Buffer.from(`u:${NEW}`).toString('base64'));
    request.resume();
    response.writeHead(right ? 200 : refusal).end('{"status":"success","data":{"result":[]}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);

function storeOf(login: Record<string, unknown>, renewed: string): SampleStore {
  let kept = 'old-token-11a';
  const resolve = async (text: string) => text.replace('${env:TOKEN}', kept);
  const renew = (text: string) => {
    kept = renewed;
    return resolve(text);
  };
  const secrets = { resolve, renew, redact: (text: string) => text };
  const clock = { nowMs: () => NOW };
  const options = prometheus.options.parse({ url, ...login });
  return createPrometheusStore(createPrometheusApi(options, { secrets, clock }), clock);
}
const sample = { metric: 'mem_usage', labels: { cluster: 'c', node: 'n' }, timeMs: NOW, value: 1 };
const write = (store: SampleStore) => store.write([sample]);
const query = (store: SampleStore) =>
  store.query({ metric: 'up', where: {}, fromMs: NOW - 60_000, toMs: NOW });

describe.each<[string, Record<string, unknown>]>([
  ['a bearer token', { bearerToken: '${env:TOKEN}' }],
  ['a password', { basicAuth: { username: 'u', password: '${env:TOKEN}' } }],
  ['a header', { headers: { 'x-login': '${env:TOKEN}' } }],
])('%s', (_, login) => {
  it.each([400, 401, 403, 404])(
    'is read anew at %i, and what was refused asked again at once',
    async (status) => {
      refusal = status;
      await expect(write(storeOf(login, NEW))).resolves.toMatchObject({ written: 1, rejected: [] });
      await expect(query(storeOf(login, NEW))).resolves.toEqual([]);
      expect(asked).toBe(4);
    },
  );

  it('that is the same is asked with once', async () => {
    refusal = 403;
    await expect(query(storeOf(login, 'old-token-11a'))).rejects.toThrow(/403/);
    expect(asked).toBe(1);
  });
});
