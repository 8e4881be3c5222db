import { get } from 'node:https';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { type Authority, makeAuthority } from '../test/certificates.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createMeter } from './meter.ts';
import { openMetrics } from './metrics-access.ts';
import { type LocalServer, startServer } from './server.ts';
import { openServerTls } from './server-tls.ts';

const authority: Authority = await makeAuthority('test');
const issue = (commonName: string) => authority.issue({ commonName, names: ['localhost', '127.0.0.1'] });
const first = await issue('first');
const second = await issue('second');
const FILES = { cert: `\${file:cert}`, key: `\${file:key}` };

let files: Record<string, string>;
let server: LocalServer | undefined;
const logger = createRecordingLogger();
const secrets = {
  async resolve(text: string) {
    const found = files[text];
    if (found === undefined) throw new ConfigError(`${text}: there is no such file`);
    return found;
  },
  redact: (text: string) => text,
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  put(first);
});
afterEach(async () => {
  vi.useRealTimers();
  await server?.close();
  server = undefined;
  logger.lines.length = 0;
});

function put({ cert, key }: { cert: string; key: string }): void {
  files = { [FILES.cert]: cert, [FILES.key]: key };
}

async function start(): Promise<LocalServer> {
  server = await startServer({
    ...(await openMetrics(() => undefined, { secrets, logger })),
    tls: await openServerTls(() => FILES, { secrets, logger }),
    host: '127.0.0.1',
    port: 0,
    charts: { get: async () => undefined },
    health: async () => {
      throw new Error('nobody asks for health here');
    },
    metrics: () => '',
    meter: createMeter(),
  });
  return server;
}

/** The name in the certificate that new connections get. */
function served(): Promise<unknown> {
  const { port } = new URL(server?.url ?? '');
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', ca: authority.cert }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

const nextReading = () => vi.advanceTimersByTimeAsync(30_000);

it('answers by https, and not by http', async () => {
  const { url } = await start();
  expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const status = await new Promise((resolve, reject) =>
    get(`${url}/livez`, { ca: authority.cert, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject),
  );
  expect(status).toBe(200);
  await expect(fetch(url.replace('https', 'http'))).rejects.toThrow();
});

it('serves a renewed certificate to new connections, without a restart', async () => {
  await start();
  expect(await served()).toBe('first');
  put(second);
  expect(await served()).toBe('first');
  await nextReading();
  expect(await served()).toBe('second');
  expect(logger.lines).toHaveLength(1);
});

it.each([
  ['a key of another certificate', { cert: second.cert, key: first.key }, 'the key of another certificate'],
  ['what is no certificate', { cert: 'nonsense', key: first.key }, 'PEM'],
  ['a file that is half written', { cert: second.cert.slice(0, 200), key: second.key }, 'PEM'],
])('keeps the former one with %s, says so once, and takes a good one later', async (_, bad, why) => {
  await start();
  put(bad);
  await nextReading();
  await nextReading();
  expect(await served()).toBe('first');
  expect(logger.lines).toHaveLength(1);
  expect(JSON.stringify(logger.lines)).toContain(why);
  expect(JSON.stringify(logger.lines)).not.toContain('BEGIN PRIVATE');
  put(second);
  await nextReading();
  expect(await served()).toBe('second');
});

it('does not start with files that it cannot use, and names the field', async () => {
  files = {};
  await expect(start()).rejects.toThrow(/server\.tls\.cert: .*there is no such file/);
  put({ cert: first.cert, key: second.key });
  await expect(start()).rejects.toThrow('server.tls: `key` is the key of another certificate than `cert`');
});
