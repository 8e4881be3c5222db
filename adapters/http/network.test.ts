import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { hideLogin, type NetworkOptions, networkFields, networkOf } from './network.ts';
import { sendRequest } from './request.ts';
import { checkServer } from './server-check.ts';

const pem = (name: string) =>
  readFileSync(new URL(`../../test/fixtures/tls/localhost.${name}`, import.meta.url), 'utf8');
const CA = { ca: '${file:ca.pem}' };
const PASSWORD = 'pr0xy-pass:w0rd';

let plain: Server;
let secure: Server;
let proxy: Server;
/** The requests to the proxy, and its answer to CONNECT: 200 opens the tunnel. */
let asked: string[] = [];
let status = 200;
const portOf = (server: Server) => (server.address() as AddressInfo).port;
const urls = {
  http: () => `http://localhost:${portOf(plain)}/hooks/x`,
  https: () => `https://localhost:${portOf(secure)}/hooks/x`,
};

function mayPass({ headers }: IncomingMessage): boolean {
  return headers['proxy-authorization'] === `Basic ${Buffer.from(`ops:${PASSWORD}`).toString('base64')}`;
}

beforeAll(async () => {
  plain = createHttpServer((request, response) => response.end(`plain ${request.url}`));
  secure = createHttpsServer({ key: pem('key'), cert: pem('pem') }, (request, response) =>
    response.end(`secure ${request.url} ${request.headers['proxy-authorization'] ?? 'no login'}`),
  );
  secure.on('tlsClientError', () => {});
  proxy = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!mayPass(request)) return void response.writeHead(407).end('who are you?');
    response.end('by the proxy');
  });
  proxy.on('connect', (request, socket, head) => {
    asked.push(`${request.method} ${request.url}`);
    socket.on('error', () => {});
    const answer = mayPass(request) ? status : 407;
    if (answer !== 200) return void socket.end(`HTTP/1.1 ${answer} No\r\ncontent-length: 2\r\n\r\nno`);
    const [host = '', port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  for (const server of [plain, secure, proxy])
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
});
beforeEach(() => {
  asked = [];
  status = 200;
});
afterAll(() => {
  for (const server of [plain, secure, proxy]) {
    server.closeAllConnections();
    server.close();
  }
});

function setup() {
  const secrets = createSecrets({
    baseDir: '/etc/bartizan',
    env: { PASSWORD: encodeURIComponent(PASSWORD) },
    readFile: async (path) => (path.endsWith('ca.pem') ? pem('pem') : 'no certificate'),
  });
  const login = `http://ops:\${env:PASSWORD}@localhost:${portOf(proxy)}`;
  return { secrets, login };
}

async function send(url: string, options: NetworkOptions, { secrets } = setup()) {
  const network = await networkOf(options, secrets)();
  const request = { method: 'POST', url, headers: {}, body: '{}', timeoutMs: 5_000 } as const;
  const signal = new AbortController().signal;
  return sendRequest({ ...request, signal, network }, { nowMs: Date.now, redact: secrets.redact });
}

const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail('it got through'),
    (error) => error,
  );

describe('a private authority', () => {
  it('is trusted if its certificate is given; otherwise the error asks for it', async () => {
    expect((await send(urls.https(), CA)).body).toBe('secure /hooks/x no login');
    const error = await caught(send(urls.https(), {}));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/^cannot reach localhost:\d+: .* write .* as `ca: \$\{file:…\}`/);
    expect(await checkServer(urls.https(), await reachOptions(CA))).toMatch(/its certificate is valid$/);
  });

  it('is valid for its names only', async () => {
    const url = urls.https().replace('localhost', '127.0.0.1');
    expect((await caught(send(url, CA))).message).toMatch(/it was issued for another name/);
  });

  it('is refused when it is not a certificate', async () => {
    const error = await caught(send(urls.https(), { ca: '${file:other}' }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/^ca: this is not a certificate in PEM/);
  });
});

describe('a proxy', () => {
  it('opens a tunnel whose content it cannot read', async () => {
    const { login } = setup();
    expect((await send(urls.https(), { ...CA, proxy: login })).body).toBe('secure /hooks/x no login');
    expect(asked).toEqual([`CONNECT localhost:${portOf(secure)}`]);
    const seen = await checkServer(urls.https(), await reachOptions({ ...CA, proxy: login }));
    expect(seen).toMatch(/its certificate is valid, through the proxy localhost:\d+$/);
  });

  it('carries a plain request itself', async () => {
    const { login } = setup();
    expect((await send(urls.http(), { proxy: login })).body).toBe('by the proxy');
    expect(asked).toEqual([`POST ${urls.http()}`]);
    expect(await checkServer(urls.http(), await reachOptions({ proxy: login }))).toMatch(
      /^the proxy .* accepts/,
    );
  });

  it.each(['http', 'https'] as const)(
    'that requires a login is an error that says so, for %s',
    async (scheme) => {
      const error = await caught(send(urls[scheme](), { proxy: `http://localhost:${portOf(proxy)}` }));
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toMatch(/proxy.* requires a login/);
    },
  );

  it.each([
    [403, ConfigError, /forbids connections to localhost:\d+ \(403\)/],
    [502, RetryableError, /answered 502 to a CONNECT/],
    [503, RetryableError, /answered 503 to a CONNECT/],
  ])('that answers %d is an error with that status', async (answer, type, message) => {
    status = answer;
    const error = await caught(send(urls.https(), { ...CA, proxy: setup().login }));
    expect(error).toBeInstanceOf(type);
    expect(error.message).toMatch(message);
    const reached = await caught(checkServer(urls.https(), await reachOptions({ proxy: setup().login })));
    expect(reached.message).toMatch(message);
  });

  it.each(['http', 'https'] as const)(
    'that does not listen is named as the cause, for %s',
    async (scheme) => {
      const error = await caught(send(urls[scheme](), { proxy: 'http://localhost:1' }));
      expect(error).toBeInstanceOf(RetryableError);
      expect(error.message).toMatch(/the proxy localhost(:1)?: nothing listens on port 1/);
    },
  );

  it('has a login that is redacted', async () => {
    const at = setup();
    await send(urls.https(), { ...CA, proxy: at.login }, at);
    const basic = Buffer.from(`ops:${PASSWORD}`).toString('base64');
    for (const text of [PASSWORD, encodeURIComponent(PASSWORD), `Basic ${basic}`])
      expect(at.secrets.redact(`it said ${text}`)).not.toMatch(/w0rd|b3Bz/);
  });

  it.each(['localhost:3128', 'https://p:1', 'http://p:1/path', 'socks5://p:1'])('is not %s', (text) => {
    expect(z.strictObject(networkFields).safeParse({ proxy: text }).error?.issues[0]?.message).toBe(
      'this is not the address of a proxy; write `http://HOST:PORT`',
    );
  });
});

async function reachOptions(options: NetworkOptions) {
  const network = await networkOf(options, setup().secrets)();
  return { timeoutMs: 5_000, signal: new AbortController().signal, network };
}

it.each([
  ['https://gw.example.net/S3cretPath99/', 'no route /S3cretPath99/ here', 'no route /<secret>/ here'],
  ['https://ann:p4ssw0rd@gw.example.net', 'ann:p4ssw0rd at gw.example.net', '<secret> at gw.example.net'],
  ['https://chat.example.net/mattermost', 'mattermost of chat.example.net', 'mattermost of chat.example.net'],
  ['https://slack.com/api/', 'slack.com/api/chat.postMessage', 'slack.com/api/chat.postMessage'],
])('hides login and tokens within the address of a service, and no more: %s', (address, text, safe) => {
  const secrets = createSecrets({ baseDir: '.' });
  hideLogin(address, secrets);
  expect(secrets.redact(text)).toBe(safe);
});
