import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { RetryableError } from '../../core/errors.ts';
import { makeAuthority, makeCertificate } from '../../test/certificates.ts';
import { networkOf } from './network.ts';
import { sendRequest } from './request.ts';
import { withSendGuard } from './send-guard.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const request = (url: string, more: object = {}) =>
  sendRequest(
    {
      method: 'POST',
      url,
      headers: {},
      body: '{"a":1}',
      timeoutMs: 5_000,
      signal: new AbortController().signal,
      ...more,
    },
    { nowMs: () => 0, redact: (text) => text },
  );

it('asks before each request, also on a connection that is kept, and with TLS', async () => {
  const authority = await makeAuthority();
  const { key, cert } = await makeCertificate(['localhost'], { authority });
  const bodies: string[] = [];
  const answer = createHttps({ key, cert }, (incoming, response) => {
    incoming.on('data', (bytes) => bodies.push(String(bytes)));
    incoming.on('end', () => response.end('ok'));
  });
  const port = await listen(answer);
  const network = await networkOf(
    { ca: authority.cert },
    { resolve: async (text) => text, redact: (text) => text },
  )();
  let asked = 0;
  const send = () =>
    withSendGuard(
      () => void asked++,
      () => request(`https://localhost:${port}/`, { network }),
    );
  for (let i = 0; i < 3; i++) expect((await send()).body).toBe('ok');
  expect(bodies).toHaveLength(3);
  // At the beginning of each, and once more with each new connection.
  expect(asked).toBeGreaterThan(3);
});

it('writes nothing on a connection that was opened in vain', async () => {
  let bytes = 0;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('data', (data) => {
      bytes += data.length;
    });
    socket.on('error', () => {});
  });
  const port = await listen(server);
  let asked = 0;
  const over = () => {
    if (asked++ > 0) throw new RetryableError('this process does not lead any more');
  };
  await expect(withSendGuard(over, () => request(`http://127.0.0.1:${port}/`))).rejects.toThrow(
    RetryableError,
  );
  await expect.poll(() => connections).toBe(1);
  expect([asked, bytes]).toEqual([2, 0]);
});

it('reports what a request without a guard reports: no connection, no TLS, no answer in time', async () => {
  const silent = await listen(createServer(() => {}));
  const plain = await listen(createHttp((_, response) => response.end()));
  const failures = async (send: (url: string) => Promise<unknown>) => {
    const urls = [`http://127.0.0.1:1/`, `https://127.0.0.1:${plain}/`, `https://127.0.0.1:${silent}/`];
    return Promise.all(urls.map((url) => send(url).then(String, String)));
  };
  const send = (url: string) => request(url, { timeoutMs: 500 });
  expect(
    await failures((url) =>
      withSendGuard(
        () => {},
        () => send(url),
      ),
    ),
  ).toEqual(await failures(send));
});
