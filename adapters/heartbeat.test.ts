import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMeter } from '../local/meter.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createHeartbeat } from './heartbeat.ts';

let server: Server;
let paths: string[];
let status: number;
let answered: () => void;

beforeEach(async () => {
  paths = [];
  status = 200;
  answered = () => undefined;
  server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.writeHead(status).end();
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
