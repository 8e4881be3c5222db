// Queries that the server answers itself.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createPrometheusApi } from './api.ts';
import { prometheus } from './prometheus.ts';

const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };

it.each([
  ['422', 'execution'],
  ['too_many', 'too_many'],
])('an error has a type of Prometheus, whatever the server calls it: %s', async (errorType, shown) => {
  const server = createServer((_, response) =>
    response.writeHead(422).end(JSON.stringify({ status: 'error', errorType, error: 'why' })),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = createPrometheusApi(prometheus.options.parse({ url }), { secrets, clock: { nowMs: () => 0 } });
  const { signal } = new AbortController();
  const answer = await api.ask?.({ path: 'query', parameters: [['query', '1']], signal });
  server.close();
  server.closeAllConnections();
  expect(answer).toEqual({
    status: 422,
    body: JSON.stringify({ status: 'error', errorType: shown, error: 'why' }),
  });
});
