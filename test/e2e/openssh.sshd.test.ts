// The whole pipeline over OpenSSH's servers: one bastion, three nodes, the real usage of this machine. All tests share
// one `up`.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import axios from 'axios';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAudit } from '../../adapters/audit/read-chain.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import type { Series } from '../../core/model/sample.ts';
import { createFleet, type Fleet, type Server, stopServer } from '../../examples/openssh/fleet.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { freePort } from '../../localstack/free-port.ts';
import { type Sink, type SinkMessage, startSink } from '../../localstack/sink/sink.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { until } from '../until.ts';

let dir: string;
let fleet: Fleet;
let sink: Sink;
let bartizan: Bartizan;
let bastion: Server;
const nodes: Server[] = [];
const logger = createRecordingLogger();
const SECRET = 'e2e-hmac-secret';

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-e2e-'));
  fleet = createFleet(join(dir, 'fleet'));
  bastion = await fleet.start({ name: 'bastion', host: '127.0.0.1', port: await freePort() });
  for (const n of [1, 2, 3])
    nodes.push(await fleet.start({ name: `n${n}`, host: `127.0.0.${n + 1}`, port: await freePort() }));
  sink = await startSink({ secret: SECRET, dir: join(dir, 'messages') });
  writeFileSync(join(dir, 'secret'), SECRET);
  const slot = (server: Server) =>
    `host: ${server.host}, port: ${server.port}, user: ${fleet.user}, hostKeys: ["${server.hostKeys[0]}"]`;
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions:
  - { name: gate, privateKey: "\${file:${fleet.key('ed25519')}}", ${slot(bastion)} }
clusters:
  - name: prod
    bastion: gate
    nodes:
${nodes.map((node) => `      - { name: ${node.name}, role: controlplane, ${slot(node)} }`).join('\n')}
checks: [{ name: usage, probe: usage, every: 1s }]
rules:
  - { name: memory, metric: mem_usage, where: { node: n1 }, above: 0.1, for: 2s, severity: warning }
  - { name: node-down, metric: up, below: 1, for: 2s, severity: critical }
  - { name: bastion-lost, metric: bastion_up, below: 1, for: 1s, severity: critical }
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${file:secret}", timeout: 2s }]
routes: [{ name: all, channels: [ops], groupInterval: 0s }]
store: { path: data }
schedule: { jitter: 0s, lateness: 1m }
server: { listen: "127.0.0.1:0" }
`,
  );
  const file = join(dir, 'bartizan.yaml');
  const { config } = await loadConfig(file);
  bartizan = await startBartizan({ config, secrets: secretsFor(file), logger });
});

afterAll(async () => {
  await bartizan?.stop();
  await sink?.stop();
  await fleet?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function message(what: string, fits: (message: SinkMessage) => boolean): Promise<SinkMessage> {
  const seen = () =>
    `seen: ${sink.messages.map(({ payload }) => payload.title).join(' | ')}; log: ${JSON.stringify(logger.lines.slice(-5))}`;
  await until(what, () => sink.messages.some(fits), { seen });
  return sink.messages.find(fits) as SinkMessage;
}

const about = (rule: string, status: string, node?: string) => (m: SinkMessage) =>
  m.payload.status === status &&
  m.payload.alerts.some((alert) => alert.rule === rule && (node === undefined || alert.labels.node === node));

async function query(metric: string): Promise<Series[]> {
  const store = openSqliteStore({ path: join(dir, 'data'), readOnly: true });
  const found = await store.query({ metric, fromMs: 0, toMs: Date.now() });
  await store.close();
  return found;
}

it('`up` stores the real usage of this machine and delivers an alert with its chart', async () => {
  const { payload, picturePath } = await message('memory fires', about('memory', 'firing'));
  expect(payload.alerts[0]).toMatchObject({
    labels: { cluster: 'prod', node: 'n1', role: 'controlplane' },
    metric: 'mem_usage',
  });
  const [alert] = payload.alerts;
  // It takes longer when a round was skipped: the first round takes two samples.
  expect(Date.parse(alert?.firedAt ?? '') - Date.parse(alert?.since ?? '')).toBeGreaterThanOrEqual(2_000);
  expect(
    readFileSync(picturePath ?? '')
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');

  const cores = Number(readFileSync('/proc/stat', 'utf8').match(/^cpu\d+/gm)?.length);
  const [total] = /MemTotal: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.slice(1).map(Number) ?? [];
  const newest = async (metric: string) => (await query(metric)).map((series) => series.points.at(-1)?.value);
  expect(await newest('cores')).toEqual([cores, cores, cores]);
  expect(await newest('mem_total')).toEqual(Array(3).fill((total ?? 0) * 1024));
  for (const metric of ['cpu_usage', 'mem_usage', 'load1', 'uptime', 'processes']) {
    const values = await newest(metric);
    expect([metric, values.length, values.every((value) => value !== undefined && value >= 0)]).toEqual([
      metric,
      3,
      true,
    ]);
  }
});

it('`up` serves the picture at the address in the message, its health, and its metrics', async () => {
  const { payload } = await message('memory fires', about('memory', 'firing'));
  const name = payload.picture?.url?.split('/').at(-1) ?? '';
  const picture = await axios.get(`${bartizan.url}/charts/${name}`, { responseType: 'arraybuffer' });
  expect(Buffer.from(picture.data).toString('base64')).toBe(payload.picture?.base64);
  expect((await axios.get(`${bartizan.url}/healthz`)).data).toMatchObject({ status: 'ok' });
  expect((await axios.get(`${bartizan.url}/metrics`)).data).toMatch(/^bartizan_rounds_total \d+$/m);
});

it('`up` alerts when a node goes down, with the reason, and resolves when it is back', async () => {
  const n2 = nodes[1] as Server;
  await stopServer(n2);
  const down = await message('n2 is down', about('node-down', 'firing', 'n2'));
  expect(down.payload.alerts[0]?.detail).toMatch(/^unreachable: /);
  nodes[1] = await fleet.start({ name: 'n2', host: n2.host, port: n2.port });
  await message('n2 is back', about('node-down', 'resolved', 'n2'));
});

it('`up` alerts on a lost bastion, and does not call its nodes down', async () => {
  const before = sink.messages.length;
  await stopServer(bastion);
  const lost = await message('bastion is lost', about('bastion-lost', 'firing'));
  const lostMs = Date.parse(lost.payload.alerts[0]?.firedAt ?? '');
  await delay(3_000);
  const during = (await query('up')).flatMap(({ points }) =>
    points.filter((point) => point.timeMs >= lostMs),
  );
  expect(during).toEqual([]);
  bastion = await fleet.start({ name: 'bastion', host: bastion.host, port: bastion.port });
  await message('bastion is back', about('bastion-lost', 'resolved'));
  const titles = sink.messages.slice(before).map(({ payload }) => payload.title);
  expect(titles.filter((title) => title.includes('node-down'))).toEqual([]);
});

it('`up` refuses a node with another host key, and alerts', async () => {
  const n3 = nodes[2] as Server;
  const before = sink.messages.length;
  await stopServer(n3);
  rmSync(join(dir, 'fleet', 'n3'), { recursive: true });
  nodes[2] = await fleet.start({ name: 'n3', host: n3.host, port: n3.port });
  const changed = await message(
    'n3 has another key',
    (m) => sink.messages.indexOf(m) >= before && about('node-down', 'firing', 'n3')(m),
  );
  expect(changed.payload.alerts[0]?.detail).toMatch(/^host-key: /);
  const mismatch = (await query('host_key_mismatch')).find((series) => series.labels.node === 'n3');
  expect(mismatch?.points.at(-1)?.value).toBe(1);
});

it('`up` wrote an unbroken audit of every access, and no secret', async () => {
  const text = readFileSync(join(dir, 'data/audit.jsonl'), 'utf8');
  expect(text.split('\n').length).toBeGreaterThan(20);
  expect(await verifyAudit(join(dir, 'data/audit.jsonl'))).toMatchObject({ ok: true });
  const key = readFileSync(fleet.key('ed25519'), 'utf8').split('\n')[1] ?? '';
  for (const secret of [SECRET, key]) {
    expect(text).not.toContain(secret);
    expect(JSON.stringify(logger.lines)).not.toContain(secret);
  }
});
