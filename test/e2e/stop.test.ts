// The limits that SIGTERM and `stop` of `up` must hold: it ends within ten seconds, whichever peer hangs, and loses
// nothing.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSqliteState } from '../../adapters/state/sqlite/state.ts';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { scaledMs } from '../machine-speed.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { until } from '../until.ts';

const STOP_LIMIT_MS = 10_000;
let dir: string;
let fleet: Fleet;
let sink: Sink;
/** Accepts connections and sends nothing, like a frozen bastion. */
let mute: Server;
const sockets = new Set<Socket>();

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-stop-'));
  fleet = await startFleet({ dir: join(dir, 'nodes'), nodes: [{ name: 'n1', seed: 1, memory: () => 95 }] });
  sink = await startSink({ secret: 's', dir: join(dir, 'messages') });
  mute = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  writeFileSync(join(dir, 'secret'), 's');
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/known_hosts'), fleet.knownHosts);
  const bastion = (name: string, port: number) =>
    `  - { name: ${name}, host: 127.0.0.1, port: ${port}, user: probe, privateKey: "\${file:key}", deadlines: { bastion: 30s } }`;
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions:
${bastion('gate', fleet.bastion.port)}
${bastion('frozen', (mute.address() as AddressInfo).port)}
clusters:
  - { name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, port: ${fleet.nodes[0]?.port} }] }
  - { name: far, bastion: frozen, nodes: [{ name: f1, role: etcd, host: 127.0.0.1, port: 1 }] }
checks: [{ name: usage, probe: usage, every: 1s }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 0s }]
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${file:secret}", timeout: 30s }]
store: { path: data }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:0" }
`,
  );
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  mute.close();
  await sink.stop();
  await fleet.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<Bartizan> {
  const file = join(dir, 'bartizan.yaml');
  const { config } = await loadConfig(file);
  return await startBartizan({ config, secrets: secretsFor(file), logger: createRecordingLogger() });
}

it('`up` stops in time with a frozen bastion and a silent chat service, and sends the message after the next start', async () => {
  // A round that waits for the frozen bastion is not evaluated until that bastion failed; then the alert fires.
  const before = await start();
  sink.behave({ kind: 'silent' });
  await until('the message is under way', () => sink.requests() > 0);
  const beganMs = Date.now();
  await before.stop();
  expect(Date.now() - beganMs).toBeLessThan(scaledMs(STOP_LIMIT_MS));
  expect(sink.messages).toEqual([]);

  const state = openSqliteState({ path: join(dir, 'data') });
  const [incident] = await state.listIncidents({ open: true, limit: 9 });
  await state.close();
  expect(incident).toMatchObject({ channel: 'ops', attempt: { number: 1 } });

  sink.behave({ kind: 'accept' });
  const after = await start();
  await until('the message is delivered', () => sink.messages.length > 0);
  expect(sink.messages[0]?.payload).toMatchObject({ key: `${incident?.id}:1`, status: 'firing' });
  await after.stop();
});
