// Clusters and secrets come from AWS, where a provisioning system puts them: `up` probes new clusters without a
// restart, and the commands beside it use the same clusters. All tests share one emulator and fleet.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSecrets } from '../../adapters/secrets/secrets.ts';
import { loadConfig } from '../../cli/config-file.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { until } from '../until.ts';

const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));
const own = `/bartizan-${process.pid}-${Date.now()}`;
const logger = createRecordingLogger();
const targets: number[] = [];
let dir: string;
let emulator: Emulator;
let fleet: Fleet;
let bartizan: Bartizan | undefined;
let aheadMs = 0;

async function put(name: string, Value: string, Type: 'String' | 'SecureString' = 'String') {
  const ssm = new SSMClient(emulator.client);
  await ssm.send(new PutParameterCommand({ Name: `${own}/${name}`, Value, Type, Overwrite: true }));
  ssm.destroy();
}

function clusterText(name: string, index: number): string {
  const node = { name: 'n1', role: 'etcd', host: '127.0.0.1', port: fleet.nodes[index]?.port, user: 'probe' };
  return JSON.stringify({ name, bastion: 'gate', nodes: [node] });
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-inventory-'));
  emulator = await startEmulator();
  fleet = await startFleet({
    dir: join(dir, 'nodes'),
    nodes: [
      { name: 'n1', seed: 1, memory: () => 50 },
      { name: 'n2', seed: 2, memory: () => 40 },
    ],
  });
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/known_hosts'), fleet.knownHosts);
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions: [{ name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${ssm:${own}/key}" }]
inventory: [{ type: ssm, path: ${own}/clusters }]
checks: [{ name: usage, probe: usage, every: 1s }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:0" }
`,
  );
  await put('key', fleet.privateKey, 'SecureString');
  await put('clusters/first', clusterText('first', 0));
});
afterAll(async () => {
  await bartizan?.stop();
  await fleet.stop();
  await emulator.stop();
  rmSync(dir, { recursive: true, force: true });
});

const seen = () => JSON.stringify(logger.lines.slice(-5));

interface Outcome {
  code: number;
  out: string;
  err: string;
}

function run(...args: string[]): Promise<Outcome> {
  const { endpoint, region, credentials } = emulator.client;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { cwd: dir, env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

it('`up` probes a new cluster without a restart, and goes on with the last valid entry of one that became invalid', async () => {
  const { config } = await loadConfig(join(dir, 'bartizan.yaml'));
  bartizan = await startBartizan({
    config,
    secrets: createSecrets({ baseDir: dir, aws: emulator.client }),
    aws: emulator.client,
    logger,
    clock: { nowMs: () => Date.now() + aheadMs },
    onRound: (round) => targets.push(round.observations.flatMap(({ observations }) => observations).length),
  });
  await until('a node is probed', () => targets.at(-1) === 1, { seen });
  await put('clusters/second', clusterText('second', 1));
  await put('clusters/first', '{"name": "first"}');
  aheadMs += 30_000;
  await until('both are probed', () => targets.at(-1) === 2, { seen });
  expect(logger.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)).toEqual([
    {
      source: `ssm ${own}/clusters`,
      entry: `${own}/clusters/first`,
      problem: expect.stringContaining('`nodes` is missing'),
    },
  ]);
  const metrics = await (await fetch(`${bartizan.url}/metrics`)).text();
  expect(metrics).toContain(`bartizan_inventory_entries_broken{source="ssm ${own}/clusters"} 1`);
});

it('the commands use the clusters of sources, print which entries are invalid, and read sources only when they must', async () => {
  const probe = await run('probe', '--json');
  expect(probe.err).toMatch(/^left out: ssm .*\/clusters\/first: .*`nodes` is missing/);
  expect(JSON.parse(probe.out)).toMatchObject([
    { bastion: { ok: true }, nodes: [{ cluster: 'second', ok: true }] },
  ]);
  expect((await run('keys')).out).toContain(`permitopen="127.0.0.1:${fleet.nodes[1]?.port}"`);
  const connect = await run('check', '--connect', '--json');
  expect(connect.code).toBe(1);
  expect(JSON.parse(connect.out)[0].connect).toMatchObject([
    { kind: 'data', state: 'ok' },
    { kind: 'inventory', state: 'failed', name: `ssm ${own}/clusters, ${own}/clusters/first` },
    // The key of the fleet has more rights than probing needs.
    { kind: 'bastion', state: 'warning' },
    { kind: 'node', name: 'second/n1', state: 'ok' },
    { kind: 'channel', state: 'failed' },
  ]);
  const asked = await run('check');
  expect(asked).toMatchObject({ code: 0, err: '' });
  expect(asked.out).toContain('0 clusters with 0 nodes, 1 inventory source');
});
