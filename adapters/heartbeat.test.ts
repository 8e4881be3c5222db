import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMeter } from '../local/meter.ts';
import { ENCODINGS, partsOf } from '../test/contract/encodings.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createSecrets } from './secrets/secrets.ts';

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
  it('is logged in no spelling, whatever the watcher repeats', async () => {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { BEAT: `${base}${BEAT}`, REST: BEAT.slice(6) };
    const secrets = createSecrets({ baseDir: '/', env });
    const spellings = Object.entries(ENCODINGS);
    for (const [, encode] of spellings) {
      const logger = createRecordingLogger();
      status = 404;
      body = partsOf(`${base}${BEAT}`)
        .map((part) => `Cannot GET ${encode(part)} here`)
        .join('\n');
      const ports = { secrets, clock: { nowMs: Date.now }, logger, meter: createMeter() };
      await createHeartbeat({ url: written.replace('BASE', base), ...ports }).beat();
      const text = JSON.stringify(logger.lines.map(({ fields }) => fields)).toLowerCase();
      expect(text).toContain('answered 404');
      for (const [spelling, spell] of spellings)
        for (const part of partsOf(`${base}${BEAT}`))
          expect([spelling, text.includes(spell(part).toLowerCase())]).toEqual([spelling, false]);
    }
  });
});

it('says in words what is wrong with the connection', async () => {
  const logger = createRecordingLogger();
  const secrets = createSecrets({ baseDir: '/', env: {} });
  const ports = { secrets, clock: { nowMs: Date.now }, logger, meter: createMeter() };
  await createHeartbeat({ url: 'http://127.0.0.1:1/beat-uuid', ...ports }).beat();
  expect(JSON.stringify(logger.lines)).toContain('cannot reach 127.0.0.1:1: nothing listens on port 1');
});
