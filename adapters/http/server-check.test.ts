import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import { explainConnectionError } from './connection-errors.ts';
import { checkServer } from './server-check.ts';

const pem = (name: string) =>
  readFileSync(new URL(`../../test/fixtures/tls/localhost.${name}`, import.meta.url), 'utf8');
let plain: Server;
let secure: Server;
let seen: Buffer[] = [];
const portOf = (server: Server) => (server.address() as AddressInfo).port;

beforeAll(async () => {
  plain = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => seen.push(chunk));
  });
  secure = createTlsServer({ key: pem('key'), cert: pem('pem') }, (socket) => socket.on('error', () => {}));
  secure.on('tlsClientError', () => {});
  for (const server of [plain, secure])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  plain.close();
  secure.close();
});

const reach = (url: string, signal = new AbortController().signal) =>
  checkServer(url, { timeoutMs: 400, signal });

describe('checkServer', () => {
  it('connects and sends nothing', async () => {
    seen = [];
    const url = `http://127.0.0.1:${portOf(plain)}/secret-path?token=1`;
    expect(await reach(url)).toBe(`127.0.0.1:${portOf(plain)} accepts connections`);
    expect(seen).toEqual([]);
  });

  it('refuses a certificate of an unknown authority, and accepts one of a known authority', async () => {
    const url = `https://localhost:${portOf(secure)}/`;
    await expect(reach(url)).rejects.toThrow(
      new ConfigError(
        `localhost:${portOf(secure)}: its certificate is not valid: it is signed by an unknown authority; write the certificate of that authority as \`ca: \${file:…}\` (DEPTH_ZERO_SELF_SIGNED_CERT)`,
      ),
    );
    const before = getCACertificates();
    setDefaultCACertificates([...before, pem('pem')]);
    try {
      expect(await reach(url)).toMatch(/accepts connections, its certificate is valid$/);
      await expect(reach(`https://127.0.0.1:${portOf(secure)}/`)).rejects.toThrow(
        /not valid: it was issued for another name; .* \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
      );
    } finally {
      setDefaultCACertificates(before);
    }
  });

  it.each([
    [
      'nobody listens',
      () => 'http://127.0.0.1:1/x',
      RetryableError,
      '127.0.0.1:1: nothing listens on port 1',
    ],
    [
      'it is silent',
      () => `https://127.0.0.1:${portOf(plain)}`,
      RetryableError,
      'does not answer within 0.4 s',
    ],
    ['it is no address', () => 'file:///etc/passwd', ConfigError, 'url is not an http or https address'],
    ['it is no address at all', () => 'secret', ConfigError, 'url is not an http or https address'],
  ])('reports that %s', async (_, url, type, text) => {
    const error = await reach(url()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toContain(text);
    expect((error as Error).message).not.toContain('secret');
  });

  it('reports that it is not TLS', async () => {
    const server = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await expect(reach(`https://127.0.0.1:${portOf(server)}`)).rejects.toThrow(/the server does not use TLS/);
    server.close();
  });

  it('ends when it is aborted', async () => {
    const stop = new AbortController();
    const reached = reach(`https://127.0.0.1:${portOf(plain)}`, stop.signal);
    stop.abort();
    await expect(reached).rejects.toThrow('cut off');
  });

  it.each([
    ['ENOTFOUND', 'the name does not resolve; is it spelled correctly, and known to the DNS here?'],
    ['EHOSTUNREACH', 'there is no route to it; is a `proxy` needed here?'],
    ['HPE_INVALID_CONSTANT', 'the server does not answer in HTTP'],
    ['ESOMETHING', 'ESOMETHING'],
    [undefined, 'the connection failed'],
  ])('explains %s', (code, text) => {
    expect(explainConnectionError(code, 443)).toBe(text);
  });
});
