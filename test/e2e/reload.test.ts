// A configuration changes while `up` runs over a fleet that speaks SSH, and nothing is lost.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { sendCommand } from '../../local/control.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { scaledMs } from '../machine-speed.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { until } from '../until.ts';

let dir: string;
let fleet: Fleet;
let sink: Sink;
let other: Sink;
let bartizan: Bartizan;
const logger = createRecordingLogger();
let rounds = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-reload-'));
  fleet = await startFleet({
    dir: join(dir, 'nodes'),
    nodes: ['n1', 'n2', 'n3'].map((name, i) => ({ name, seed: i, memory: () => 95 - i })),
  });
  sink = await startSink({ secret: 's', dir: join(dir, 'messages') });
  other = await startSink({ secret: 't', dir: join(dir, 'others') });
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  writeFileSync(join(dir, 'secret'), 's');
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/known_hosts'), fleet.knownHosts);
  write({});
  bartizan = await start();
});

afterAll(async () => {
  await bartizan?.stop();
  await sink.stop();
  await other.stop();
  await fleet.stop();
  rmSync(dir, { recursive: true, force: true });
});

function write(change: {
  nodes?: number;
  above?: number;
  url?: string;
  listen?: string;
  more?: string;
  cluster?: string;
}): string {
  const {
    nodes = 2,
    above = 94.5,
    url = sink.url,
    listen = '127.0.0.1:0',
    more = '',
    cluster = 'prod',
  } = change;
  const entries = fleet.nodes
    .slice(0, nodes)
    .map((n) => `{ name: ${n.name}, role: etcd, host: ${n.host}, port: ${n.port}, user: probe }`);
  const file = join(dir, 'bartizan.yaml');
  writeFileSync(
    file,
    `
bastions: [{ name: b, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }]
clusters: [{ name: ${cluster}, bastion: b, nodes: [${entries.join(', ')}] }]
checks: [{ name: usage, probe: usage, every: 1s }]
rules: [{ name: memory, metric: mem_usage, above: ${above}, for: 0s }]
channels: [{ name: ops, type: webhook, url: "${url}", secret: "\${file:secret}" }]
routes: [{ name: all, channels: [ops], groupInterval: 0s }]
store: { path: data }
schedule: { jitter: 0s }
server: { listen: "${listen}" }
${more}`,
  );
  return file;
}

async function start(options: { allowRemoval?: boolean } = {}): Promise<Bartizan> {
  const file = join(dir, 'bartizan.yaml');
  const load = async () => (await loadConfig(file)).config;
  return await startBartizan({
    config: await load(),
    load,
    secrets: secretsFor(file),
    logger,
    onRound: () => void rounds++,
    ...options,
  });
}

const reload = async (args = {}) =>
  await sendCommand(join(dir, 'data'), { command: 'reload', args }, { timeoutMs: scaledMs(60_000) });
const warnings = async () => (await bartizan.health()).warnings.map(({ code }) => code);
/** The newest message about each node. */
const statuses = (of: Sink) =>
  Object.fromEntries(
    of.messages.flatMap(({ payload }) => payload.alerts.map(({ labels, status }) => [labels.node, status])),
  );

it('changes nodes, rules, channels and secrets from the next round on', async () => {
  await until('n1 is reported', () => statuses(sink).n1 === 'firing');
  writeFileSync(join(dir, 'secret'), 't');
  write({ nodes: 3, above: 92.5, url: other.url });
  expect(await reload({ dryRun: true })).toMatchObject({
    ok: true,
    detail: {
      kind: 'would-apply',
      changes: {
        nodes: { added: ['prod/n3'], removed: [], changed: [] },
        sections: { rules: { changed: ['memory'] }, channels: { changed: ['ops'] } },
        settings: [],
      },
      ends: [],
    },
  });
  expect(bartizan.config().clusters[0]?.nodes).toHaveLength(2);
  expect(await reload()).toMatchObject({ ok: true, detail: { kind: 'applied' } });
  expect(bartizan.config().clusters[0]?.nodes).toHaveLength(3);
  // With the new secret, at the new address; n1 fires on and is not reported twice.
  await until(
    'n2 and n3 are reported',
    () => statuses(other).n2 === 'firing' && statuses(other).n3 === 'firing',
  );
  expect(statuses(sink)).toEqual({ n1: 'firing' });
});

it('refuses what is wrong or cannot change, says so, and goes on as before', async () => {
  for (const [change, message] of [
    [{ nodes: 3, more: 'ruless: []' }, 'ruless'],
    [{ nodes: 3, listen: '127.0.0.1:1' }, 'server.listen: a running process cannot change this'],
    [{ nodes: 3, more: 'silences: [' }, 'has'],
  ] as const) {
    write(change);
    const answer = await reload();
    expect(answer).toMatchObject({ ok: false, message: expect.stringContaining(message) });
    expect(await warnings()).toContain('config-not-in-force');
  }
  const before = rounds;
  await until('rounds go on', () => rounds > before + 1);
  const metrics = await (await fetch(`${bartizan.url}/metrics`)).text();
  expect(metrics).toContain('bartizan_config_in_force 0');
  expect(metrics).toContain('bartizan_config_reloads_total{outcome="refused"} 3');
  write({ nodes: 3, above: 92.5, url: other.url });
  expect((await reload()).message).toContain('nothing in it has changed');
  expect(await warnings()).not.toContain('config-not-in-force');
});

it('ends the alerts of what is gone, once', async () => {
  write({ nodes: 2, above: 92.5, url: other.url });
  const { detail } = await reload({ dryRun: true });
  expect(detail).toMatchObject({ ends: [{ rule: 'memory', labels: { node: 'n3' }, status: 'firing' }] });
  await reload();
  await until('n3 is resolved', () => statuses(other).n3 === 'resolved');
  expect(statuses(other)).toMatchObject({ n2: 'firing', n3: 'resolved' });
});

it('loses no fleet by mistake, at a reload or at a start', async () => {
  write({ nodes: 3, above: 92.5, url: other.url });
  await reload();
  write({ nodes: 3, above: 92.5, url: other.url, cluster: 'renamed' });
  const refusal = '3 of 3 nodes would go within an hour, and 2 may: prod/n1, prod/n2, prod/n3';
  expect(await reload({ dryRun: true })).toMatchObject({
    ok: false,
    message: expect.stringContaining(refusal),
  });
  expect(await reload()).toMatchObject({ ok: false, message: expect.stringContaining(refusal) });
  expect(await warnings()).toContain('config-not-in-force');
  await bartizan.stop();
  await expect(start()).rejects.toThrow(
    `${refusal}. Their alerts would end as removed. If they shall go, start with`,
  );
  bartizan = await start({ allowRemoval: true });
  write({ nodes: 3, above: 92.5, url: other.url });
  expect((await reload()).ok).toBe(false);
  expect(await reload({ allowRemoval: true })).toMatchObject({ ok: true });
  expect(bartizan.config().clusters[0]?.name).toBe('prod');
});

it('stops in the middle of a reload', async () => {
  write({ nodes: 3, above: 92.5, url: other.url });
  const reloading = bartizan.reload();
  await bartizan.stop();
  expect(['applied', 'refused']).toContain((await reloading).kind);
});
