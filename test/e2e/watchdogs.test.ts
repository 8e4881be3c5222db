// The watchdogs of a real `up`: /livez, /healthz and the heartbeat, with a channel that fails and a damaged page of the
// database.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import axios from 'axios';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DatabaseName } from '../../adapters/sqlite/integrity.ts';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { recoverUntil } from '../../cli/up.ts';
import { ConfigError } from '../../core/errors.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { until } from '../until.ts';

let dir: string;
let fleet: Fleet;
let sink: Sink;
let watcher: Server;
let beats = 0;
let running: Bartizan | undefined;
const http = axios.create({ validateStatus: () => true, proxy: false });

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-watchdogs-'));
  fleet = await startFleet({ dir: join(dir, 'nodes'), nodes: [{ name: 'n1', seed: 1, memory: () => 95 }] });
  sink = await startSink({ secret: 's', dir: join(dir, 'messages') });
  beats = 0;
  watcher = createServer((_, response) => {
    beats++;
    response.end();
  });
  await new Promise<void>((resolve) => watcher.listen(0, '127.0.0.1', resolve));
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  writeFileSync(join(dir, 'secret'), 's');
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/known_hosts'), fleet.knownHosts);
  configure();
});

afterEach(async () => {
  await running?.stop().catch(() => {});
  running = undefined;
  watcher.close();
  await sink.stop();
  await fleet.stop();
  rmSync(dir, { recursive: true, force: true });
});

function configure(required = true): void {
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions: [{ name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }]
clusters:
  - { name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, port: ${fleet.nodes[0]?.port} }] }
checks: [{ name: usage, probe: usage, every: 1s }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 0s }]
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${file:secret}", required: ${required} }]
store: { path: data }
schedule: { jitter: 0s }
server:
  listen: "127.0.0.1:0"
  undeliveredAfter: 1s
  heartbeat: "http://127.0.0.1:${(watcher.address() as AddressInfo).port}/"
`,
  );
}

async function start(recover = false, met?: DatabaseName): Promise<Bartizan> {
  const file = join(dir, 'bartizan.yaml');
  const { config } = await loadConfig(file);
  const logger = createRecordingLogger();
  running = await startBartizan({ config, secrets: secretsFor(file), logger, recover, met });
  return running;
}

const ask = async (path: string) => {
  const { status, data } = await http.get(`${running?.url}${path}`);
  return { status, data };
};
const codes = (findings: readonly { code: string }[]) => findings.map(({ code }) => code);

it('a channel that fails makes health fail and withholds the heartbeat, until it works again', async () => {
  sink.behave({ kind: 'status', status: 500 });
  await start();
  await until('health fails', async () => (await ask('/healthz')).status === 503);
  const { data } = await ask('/healthz');
  expect(codes(data.reasons)).toEqual(['undelivered']);
  expect(data.reasons[0].detail).toContain('ops');
  expect((await ask('/livez')).status).toBe(200);
  const metrics = String((await ask('/metrics')).data);
  expect(metrics).toMatch(/^bartizan_alerts_undelivered 1$/m);
  const before = beats;
  const rounds = data.roundsCompleted;
  await until('three rounds later', async () => (await ask('/healthz')).data.roundsCompleted > rounds + 2);
  expect(beats).toBe(before);
  expect(String((await ask('/metrics')).data)).toMatch(/bartizan_heartbeats_total\{outcome="withheld"\} \d+/);

  sink.behave({ kind: 'accept' });
  await until('health is well', async () => (await ask('/healthz')).status === 200);
  await until('the heartbeat is back', () => beats > before);
});

it('a channel that fails and is not required is only a warning', async () => {
  configure(false);
  sink.behave({ kind: 'status', status: 500 });
  await start();
  await until('it is listed', async () => {
    const { data } = await ask('/healthz');
    return codes(data.warnings).includes('undelivered-optional');
  });
  expect((await ask('/healthz')).data).toMatchObject({ status: 'ok', reasons: [] });
  const before = beats;
  await until('the heartbeat goes on', () => beats > before);
});

it('a lost bastion fails health after three rounds', async () => {
  await start();
  await until('a node was seen', async () => (await ask('/healthz')).data.roundsCompleted > 0);
  await fleet.stop();
  await until('health fails', async () => {
    const { data } = await ask('/healthz');
    return codes(data.reasons).includes('nothing-seen');
  });
  expect((await ask('/livez')).status).toBe(200);
});

it('`up` does not start with a damaged page of state; --recover begins anew and sends a message about it', async () => {
  const first = await start();
  await until('the alert is sent', () => sink.messages.length > 0);
  await first.stop();
  const file = join(dir, 'data/state.db');
  const bytes = readFileSync(file);
  bytes.fill(0xa5, bytes.length - 16 * 4096, bytes.length - 4096);
  writeFileSync(file, bytes);

  running = undefined;
  const refused = await start().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ConfigError);
  expect(String(refused)).toContain('bartizan up --recover');

  const known = sink.messages.length;
  await start(true);
  expect(readdirSync(join(dir, 'data')).some((name) => name.startsWith('state.db.aside-'))).toBe(true);
  await until(
    'the channel gets a message about it, and one about the alert',
    () => sink.messages.length >= known + 2,
  );
  const rules = sink.messages.slice(known).map(({ payload }) => payload?.alerts[0]?.rule);
  expect(new Set(rules)).toEqual(new Set(['bartizan-data-set-aside', 'memory']));
  const { data } = await ask('/healthz');
  expect(codes(data.warnings)).toContain('data-set-aside');
});

it('a row that is damaged while `up --recover` runs does not end the monitoring', async () => {
  const first = await start(true);
  await until('the alert is sent', () => sink.messages.length > 0);
  const known = sink.messages.length;
  const db = new DatabaseSync(join(dir, 'data/state.db'), { timeout: 5_000 });
  db.exec('UPDATE incident SET body = substr(body, 1, 40)');
  db.close();
  const stopping = Promise.withResolvers<void>();
  const recovered = recoverUntil(stopping.promise, first, (met) => start(true, met));
  await until(
    'the channel gets a message about it, and one about the alert',
    () => sink.messages.length >= known + 2,
  );
  const rules = sink.messages.slice(known).map(({ payload }) => payload?.alerts[0]?.rule);
  expect(new Set(rules)).toEqual(new Set(['bartizan-data-set-aside', 'memory']));
  await until('health is well', async () => (await ask('/healthz')).status === 200);
  stopping.resolve();
  running = await recovered;
});
