// The pipeline, deployed to the emulator as to an account (TLS, each call authorised), over a fleet that speaks SSH,
// evaluated in two shards.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { openStore } from '../../adapters/stores/registry.ts';
import { type Deployment, deploy } from '../../localstack/deployment.ts';
import { environmentOf, startEmulator } from '../../localstack/emulator.ts';
import { type Fleet, type FleetNode, startFleet } from '../../localstack/fleet/fleet.ts';
import { type Sink, type SinkMessage, startSink } from '../../localstack/sink/sink.ts';
import {
  createTable,
  startTimestreamEmulator,
  type TimestreamEmulator,
} from '../../localstack/timestream/emulator.ts';
import { scaledMs } from '../machine-speed.ts';
import { type Account, openAccount } from './account.ts';
import { type PortForward, startPortForward } from './port-forward.ts';

export interface DeployedFixture extends Account {
  dir: string;
  timestream: TimestreamEmulator;
  sink: Sink;
  deployment: Deployment;
  /** The values of `${ssm:…}`, by name. */
  secrets: Readonly<Record<string, string>>;
  /** Runs a command of `bartizan` in the account, with the configuration, and returns its output. */
  bartizan(...args: string[]): Promise<string>;
  /** The forwarded port of each bastion. */
  bastionPorts: ReadonlyMap<string, PortForward>;
  /** The percentage that the node of a cluster uses, read at each probe. Default: 40. */
  memory: Map<string, () => number>;
  /** The messages of a rule about a cluster or a bastion. */
  messagesAbout(name: string, rule?: string): SinkMessage[];
  /** Waits for the first (or `nth`) message with that status. @throws Error when it does not come */
  message(
    name: string,
    status: 'firing' | 'resolved',
    options?: { rule?: string; nth?: number; withinMs?: number },
  ): Promise<SinkMessage>;
  /** The times of stored samples of a node, in a range. */
  samples(of: { metric: string; node: string }, fromMs: number, toMs: number): Promise<number[]>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const MESSAGE_WITHIN_MS = 60_000;
const SINK_SECRET = 'deployed-sink-secret';

/**
 * @param clusters name → bastion; each has one node, `n-NAME`
 * @param configuration makes its text from the parts that are known only then
 */
export async function startDeployedFixture(
  clusters: Readonly<Record<string, string>>,
  configuration: (parts: { endpoints: string; channels: string; store: string }) => string,
): Promise<DeployedFixture> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-deployed-'));
  const closing: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const memory = new Map<string, () => number>();
    const messages: SinkMessage[] = [];
    const emulator = await startEmulator({ running: undefined, secure: true });
    closing.push(emulator.stop);
    const timestream = await startTimestreamEmulator();
    closing.push(timestream.stop);
    createTable(timestream, { database: 'bartizan', table: 'samples' });
    const fleet = await startFleet({
      dir: join(dir, 'nodes'),
      nodes: Object.keys(clusters).map((name, i) => ({
        name: `n-${name}`,
        seed: i + 1,
        memory: () => memory.get(name)?.() ?? 40,
      })),
    });
    closing.push(fleet.stop);
    const onMessage = (message: SinkMessage) => void messages.push(message);
    const sink = await startSink({ secret: SINK_SECRET, dir: join(dir, 'messages'), onMessage });
    closing.push(sink.stop);
    const listeners = new Map<string, PortForward>();
    for (const bastion of new Set(Object.values(clusters))) {
      const forward = await startPortForward(fleet.bastion.port);
      closing.push(forward.close);
      listeners.set(bastion, forward);
    }
    const options = { database: 'bartizan', table: 'samples', region: 'us-east-1', endpoint: timestream.url };
    const text = configuration({
      endpoints: endpointsOf(clusters, fleet, listeners),
      channels: `channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${ssm:/bartizan/sink}" }]`,
      store: `store: ${JSON.stringify({ type: 'timestream', ...options })}`,
    });
    const file = join(dir, 'bartizan.yaml');
    writeFileSync(file, text);
    const keys = [...listeners.keys()].map((bastion) => [`/bartizan/key-of-${bastion}`, fleet.privateKey]);
    const secrets = { '/bartizan/sink': SINK_SECRET, ...Object.fromEntries(keys) };
    const deployment = await deploy({
      emulator,
      file,
      parameters: secrets,
      outDir: join(dir, 'cdk'),
      shards: 2,
    });
    // For the store, which takes them from there.
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    closing.push(() => vi.unstubAllEnvs());
    const store = await openStore(
      { type: 'timestream', options, path: dir, retentionMs: 0, rollUpRetentionMs: 0 },
      {
        secrets: { resolve: async (value) => value, redact: (value) => value },
        clock: { nowMs: Date.now },
      },
    );
    closing.push(() => store.close());

    const messagesAbout: DeployedFixture['messagesAbout'] = (name, rule = 'memory') =>
      messages.filter(
        ({ payload }) =>
          payload.groupLabels.rule === rule &&
          payload.alerts.some(({ labels }) => labels.cluster === name || labels.bastion === name),
      );
    return {
      ...(await openAccount(emulator)),
      dir,
      timestream,
      sink,
      deployment,
      secrets,
      async bartizan(...args) {
        const command = ['bin/bartizan.ts', ...args, '--config', file];
        const { stdout } = await run(process.execPath, command, { env: environmentOf(emulator) });
        return stdout;
      },
      bastionPorts: listeners,
      memory,
      messagesAbout,
      async message(name, status, { rule, nth = 1, withinMs = MESSAGE_WITHIN_MS } = {}) {
        for (
          const startMs = performance.now();
          performance.now() - startMs < scaledMs(withinMs);
          await sleep(100)
        ) {
          const found = messagesAbout(name, rule).filter(({ payload }) => payload.status === status)[nth - 1];
          if (found) return found;
        }
        throw new Error(`no ${status} message ${nth} about ${name} within ${withinMs / 1000} s`);
      },
      async samples({ metric, node }, fromMs, toMs) {
        const series = await store.query({ metric, where: { node: [node] }, fromMs, toMs });
        return series.flatMap(({ points }) => points.map(({ timeMs }) => timeMs));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function endpointsOf(
  clusters: Readonly<Record<string, string>>,
  fleet: Fleet,
  listeners: ReadonlyMap<string, PortForward>,
): string {
  const bastions = [...listeners].map(
    ([name, { port }]) =>
      `  - { name: ${name}, host: 127.0.0.1, port: ${port}, user: probe, privateKey: "\${ssm:/bartizan/key-of-${name}}", hostKeys: ["${fleet.bastion.hostKey}"] }`,
  );
  const node = ({ name, host, port, hostKey }: FleetNode) =>
    `{ name: ${name}, role: etcd, host: ${host}, port: ${port}, hostKeys: ["${hostKey}"] }`;
  const lines = Object.entries(clusters).map(
    ([name, bastion], i) =>
      `  - { name: ${name}, bastion: ${bastion}, nodes: [${node(fleet.nodes[i] as FleetNode)}] }`,
  );
  return `bastions:\n${bastions.join('\n')}\nclusters:\n${lines.join('\n')}`;
}
