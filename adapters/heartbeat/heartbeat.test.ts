import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMeter } from '../../local/meter.ts';
import { ENCODINGS, fragmentsOf } from '../../test/contract/encodings.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { createHeartbeat } from './heartbeat.ts';

let server: Server;
let paths: string[];
let status: number;
let answered: () => void;
let body: string;

beforeEach(async () => {
  paths = [];
  status = 200;
  body = '';
  answered = () => undefined;
  server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.writeHead(status).end(body);
    answered();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

function create() {
  const logger = createRecordingLogger();
  const meter = createMeter();
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const secrets = {
    resolve: async (text: string) => text.replace('${env:BEAT}', 'secret-uuid'),
    redact: (text: string) => text.replaceAll('secret-uuid', '<secret>'),
  };
  const clock = { nowMs: Date.now };
  const heartbeat = createHeartbeat({ url: `${base}/\${env:BEAT}`, secrets, clock, logger, meter });
  return { beat: heartbeat.beat, logger, meter };
}

it('calls the address, one call at a time', async () => {
  const { beat, meter } = create();
  await Promise.all([beat(), beat()]);
  await beat();
  expect(paths).toEqual(['/secret-uuid', '/secret-uuid']);
  expect(meter.text()).toContain('bartizan_heartbeats_total{outcome="ok"} 2');
});

it.each([
  [503, 2, 'ok', 200],
  [503, 2, 'failed', 503],
  [404, 1, 'failed', 404],
])('an answer %d: %d tries', async (first, tries, outcome, then) => {
  const { beat, meter } = create();
  status = first;
  answered = () => {
    status = then;
  };
  await beat();
  expect(paths).toHaveLength(tries);
  expect(meter.text()).toContain(`bartizan_heartbeats_total{outcome="${outcome}"} 1`);
});

it('warns once while it fails, without the address', async () => {
  const { beat, logger } = create();
  status = 404;
  await beat();
  await beat();
  expect(logger.lines.map(({ message }) => message)).toEqual(['heartbeat not accepted']);
  expect(JSON.stringify(logger.lines)).not.toContain('secret-uuid');
  status = 200;
  await beat();
  status = 500;
  await beat();
  expect(logger.lines).toHaveLength(2);
});

const BEAT = "/ping/0e3b-Beat/uuid-77'x?key=Qz9&r=1";

describe.each([
  ['referred to', '${env:BEAT}'],
  ['partly referred to', `BASE${BEAT.slice(0, 6)}\${env:REST}`],
  ['written into the file', `BASE${BEAT}`],
])('an address that is %s', (_, written) => {
  it('is never logged in any spelling, even if the watcher repeats it', async () => {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { BEAT: `${base}${BEAT}`, REST: BEAT.slice(6) };
    const secrets = createSecrets({ baseDir: '/', env });
    const spellings = Object.entries(ENCODINGS);
    for (const [, encode] of spellings) {
      const logger = createRecordingLogger();
      status = 404;
      body = fragmentsOf(`${base}${BEAT}`)
        .map((piece) => `Cannot GET ${encode(piece)} here`)
        .join('\n');
      const ports = { secrets, clock: { nowMs: Date.now }, logger, meter: createMeter() };
      await createHeartbeat({ url: written.replace('BASE', base), ...ports }).beat();
      const text = JSON.stringify(logger.lines.map(({ fields }) => fields)).toLowerCase();
      expect(text).toContain('answered 404');
      for (const [spelling, spell] of spellings)
        for (const piece of fragmentsOf(`${base}${BEAT}`))
          expect([spelling, text.includes(spell(piece).toLowerCase())]).toEqual([spelling, false]);
    }
  });
});

it('explains what is wrong with the connection', async () => {
  const logger = createRecordingLogger();
  const secrets = createSecrets({ baseDir: '/', env: {} });
  const ports = { secrets, clock: { nowMs: Date.now }, logger, meter: createMeter() };
  await createHeartbeat({ url: 'http://127.0.0.1:1/beat-uuid', ...ports }).beat();
  expect(JSON.stringify(logger.lines)).toContain('cannot reach 127.0.0.1:1: nothing listens on port 1');
});

it('is sent again at once to the new address if it is refused and the address was rotated', async () => {
  let value = 'old-uuid';
  const resolve = async (text: string) => text.replace('${env:BEAT}', value);
  const renew = (text: string) => {
    value = 'new-uuid';
    status = 200;
    return resolve(text);
  };
  const logger = createRecordingLogger();
  const meter = createMeter();
  const secrets = { resolve, renew, redact: (text: string) => text };
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ports = { secrets, clock: { nowMs: Date.now }, logger, meter };
  status = 404;
  await createHeartbeat({ url: `${base}/\${env:BEAT}`, ...ports }).beat();
  expect(paths).toEqual(['/old-uuid', '/new-uuid']);
  expect(meter.text()).toContain('bartizan_heartbeats_total{outcome="ok"} 1');
  expect(JSON.stringify(logger.lines)).not.toContain('uuid');
});
