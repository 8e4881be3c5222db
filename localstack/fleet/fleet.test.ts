import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuditFile } from '../../adapters/audit/file.ts';
import { createProber } from '../../adapters/probes/prober.ts';
import { createSecrets } from '../../adapters/secrets/secrets.ts';
import { parsePrivateKey } from '../../adapters/ssh/private-keys.ts';
import { loadConfig } from '../../cli/config-file.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { planRound } from '../../core/plan/plan.ts';
import type { Prober } from '../../core/ports.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { newKey } from './new-key.ts';

let dir: string;
let fleet: Fleet;
let prober: Prober;
let batch: Batch;
let storyMs = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-fleet-'));
  fleet = await startFleet({
    dir: join(dir, 'nodes'),
    nodes: [
      { name: 'n1', seed: 1, memory: (ms) => 60 + ms / 1_000 },
      { name: '노드-2', seed: 2, memory: () => 40 },
    ],
    sinceStartMs: () => storyMs,
  });
  const endpoint = ({ host, port, hostKey }: { host: string; port: number; hostKey: string }) =>
    `host: ${host}, port: ${port}, user: probe, hostKeys: ["${hostKey}"]`;
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: b, privateKey: "\${file:key}", ${endpoint(fleet.bastion)} }]
clusters: [{ name: c, bastion: b, nodes: [${fleet.nodes.map((n) => `{ name: ${n.name}, role: etcd, ${endpoint(n)} }`).join(', ')}] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
`,
  );
  const { config } = await loadConfig(join(dir, 'c.yaml'));
  const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'test' });
  prober = await createProber({
    config,
    secrets: createSecrets({ baseDir: dir }),
    audit,
    counters: createMemoryState().counters,
    clock: { nowMs: Date.now },
    logger: createRecordingLogger(),
    knownHosts: join(dir, 'known_hosts'),
    resampleAfterMs: 1,
  });
  const { clusters, checks, bastions } = config;
  const targets = clusters.flatMap((cluster) =>
    cluster.nodes.map(({ name, ...node }) => ({
      ...node,
      node: name,
      cluster: cluster.name,
      bastion: cluster.bastion,
    })),
  );
  batch = planRound({ roundMs: 0, checks, targets, bastions })[0] as Batch;
});

afterAll(async () => {
  await prober.close();
  await fleet.stop();
  rmSync(dir, { recursive: true });
});

function probeAt(ms: number): Promise<BatchObservation> {
  storyMs = ms;
  return prober.probe({ ...batch, roundMs: 60_000 + ms, expiresAtMs: Infinity });
}

const valuesOf = (observation: BatchObservation, node: string) =>
  Object.fromEntries(
    samplesOf(observation)
      .filter((s) => s.labels.node === node)
      .map((s) => [s.metric, s.value]),
  );

describe('a node of the fleet', () => {
  it('runs the script of the catalogue and answers from its model', async () => {
    await probeAt(0);
    const observation = await probeAt(20_000);
    expect(observation.bastion).toEqual({ ok: true });
    expect(valuesOf(observation, 'n1')).toMatchObject({ up: 1, cores: 4 });
    expect(valuesOf(observation, 'n1')).not.toHaveProperty('swap_usage');
    expect(valuesOf(observation, 'n1').mem_usage).toBeCloseTo(80, 1);
    expect(valuesOf(observation, '노드-2').mem_usage).toBeCloseTo(40, 1);
    expect(valuesOf(observation, 'n1').disk_usage).toBeGreaterThan(30);
  });

  it('counts on between commands, so that rates are those of the model', async () => {
    await probeAt(100_000);
    const values = valuesOf(await probeAt(160_000), 'n1');
    expect(values.cpu_usage).toBeGreaterThan(15);
    expect(values.cpu_usage).toBeLessThan(45);
    expect(values.net_rx).toBeGreaterThan(0);
  });
});

function connectTo(port: number, hostKey: string): Promise<ssh2.Client> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    client.on('ready', () => resolve(client)).on('error', reject);
    const wanted = hostKey.split(' ')[1];
    client.connect({
      host: '127.0.0.1',
      port,
      username: 'probe',
      authHandler: [
        { type: 'publickey', username: 'probe', key: parsePrivateKey(fleet.privateKey, 'key') } as never,
      ],
      hostVerifier: (key: Buffer) => key.toString('base64') === wanted,
    });
  });
}

it('refuses other commands, other targets and other keys', async () => {
  const [node] = fleet.nodes;
  const client = await connectTo(node?.port ?? 0, node?.hostKey ?? '');
  const code = await new Promise((resolve, reject) => {
    client.exec('id', (error, channel) => (error ? reject(error) : channel.on('exit', resolve).resume()));
  });
  expect(code).toBe(126);
  client.end();

  const bastion = await connectTo(fleet.bastion.port, fleet.bastion.hostKey);
  const refusal = await new Promise((resolve) => {
    bastion.forwardOut('127.0.0.1', 0, '127.0.0.1', 1, (error) => resolve(error));
  });
  expect(refusal).toBeInstanceOf(Error);
  bastion.end();

  const unknownKey = newKey();
  const outcome = await new Promise((resolve) => {
    const other = new ssh2.Client();
    other
      .on('ready', () => resolve('let in'))
      .on('error', (error: Error & { level?: string }) => resolve(error.level));
    other.connect({
      host: '127.0.0.1',
      port: fleet.bastion.port,
      username: 'probe',
      authHandler: [
        { type: 'publickey', username: 'probe', key: parsePrivateKey(unknownKey, 'key') } as never,
      ],
    });
  });
  expect(outcome).toBe('client-authentication');
});

it('keeps nothing open when one of its ports is in use', async () => {
  const nodes = ['a', 'b'].map((name, seed) => ({ name, seed, memory: () => 50 }));
  const first = await startFleet({ dir: join(dir, 'first'), nodes });
  const [a, b] = first.nodes.map(({ port }) => port) as [number, number];
  await first.stop();
  const taken = fleet.bastion.port;
  for (const ports of [
    [0, a, taken],
    [taken, a, b],
  ]) {
    const failing = startFleet({ dir: join(dir, 'second'), nodes, ports });
    await expect(failing).rejects.toMatchObject({ code: 'EADDRINUSE' });
  }
  const third = await startFleet({ dir: join(dir, 'third'), nodes, ports: [0, a, b] });
  expect(third.nodes.map(({ port }) => port)).toEqual([a, b]);
  await third.stop();
});
