// SIGKILL ends `bartizan up` fifty times at random moments, half of them in a reload, over a fleet that speaks SSH: no alert is lost.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSqliteState } from '../../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { steadyMemory } from '../../localstack/fleet/node-model.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { slowness } from '../machine-speed.ts';
import { until } from '../until.ts';
import { isAllSent, requireNothingLost } from './nothing-lost.ts';

const KILLS = 50;
/** Data folders whose processes are killed at the same time: a life is mostly waiting. */
const LINES = 2;
/** The shortest ends before the first module is loaded, the longest after several rounds. */
const LIFE_MS = { least: 250, most: 2_750 };
/** Processes live at most this many times longer on a slow machine: fifty of them must fit into the time of a test. */
const SLOWEST = 2.5;
/** A reload takes less. */
const RELOAD_MS = 400;
const PERIOD_MS = 8_000;
const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));

let dir: string;

/** The value is above the threshold for half of each period, so that alerts fire and resolve all the time, until it is calm. */
const wave = (line: Pick<Line, 'isCalm'>, offsetMs: number) => (ms: number) =>
  !line.isCalm && (ms + offsetMs) % PERIOD_MS < PERIOD_MS / 2 ? 96 : 40;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-kill-'));
});

const running = new Set<ChildProcess>();
const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  for (const stop of stops) await stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Line {
  isCalm: boolean;
  folder: string;
  fleet: Fleet;
  sink: Sink;
}

/** A data folder with nodes, a configuration and a chat service of its own. */
async function startLine(name: string): Promise<Line> {
  const folder = join(dir, name);
  const calm = { isCalm: false };
  const fleet = await startFleet({
    dir: join(folder, 'nodes'),
    nodes: [
      { name: 'n1', seed: 1, memory: wave(calm, 0) },
      { name: 'n2', seed: 2, memory: wave(calm, 3_000) },
      { name: 'n3', seed: 3, memory: steadyMemory(50, 3) },
    ],
  });
  stops.push(fleet.stop);
  const sink = await startSink({ secret: 'kill-secret', dir: join(folder, 'messages') });
  stops.push(sink.stop);
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data/known_hosts'), fleet.knownHosts);
  writeFileSync(join(folder, 'key'), fleet.privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'secret'), 'kill-secret', { mode: 0o600 });
  const nodes = fleet.nodes.map(
    (n) => `      - { name: ${n.name}, role: etcd, host: ${n.host}, port: ${n.port}, user: probe }`,
  );
  writeFileSync(
    join(folder, 'bartizan.yaml'),
    `
bastions:
  - { name: b, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }
clusters:
  - name: prod
    bastion: b
    nodes:
${nodes.join('\n')}
checks: [{ name: usage, probe: usage, every: 1s }]
rules:
  - { name: memory, metric: mem_usage, above: 90, for: 0s, severity: critical }
  - { name: memory-held, metric: mem_usage, above: 90, for: 1s, severity: critical }
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${file:secret}" }]
routes: [{ name: all, channels: [ops], groupInterval: 0s }]
store: { path: data }
schedule: { jitter: 0s, lateness: 5m }
server: { listen: "127.0.0.1:0" }
`,
  );
  return Object.assign(calm, { folder, fleet, sink });
}

/** A process, and how it ends: code, signal, and what it said. */
function up({ folder }: Line): { child: ChildProcess; exit: Promise<unknown[]> } {
  const args = [bin, 'up', '-c', join(folder, 'bartizan.yaml'), '--log-level', 'error'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += String(data);
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return { child, exit: once(child, 'close').then((ended) => [...ended, errors]) };
}

/** Kills processes one after another, lets the last one end, and checks what they leave. */
async function killAndCheck(line: Line, kills: number): Promise<{ fired: number; samples: number }> {
  const { folder, fleet, sink } = line;
  for (let i = 0; i < kills; i++) {
    const { child, exit } = up(line);
    const slow = Math.min(SLOWEST, slowness());
    const lifeMs = LIFE_MS.least + Math.random() * (LIFE_MS.most * slow - LIFE_MS.least);
    const reloadMs = RELOAD_MS * slow * Math.random();
    await Promise.race([delay(Math.max(0, lifeMs - reloadMs)), exit]);
    // Half of them are killed in the middle of a reload. One that has no handler yet ends by the first signal.
    if (i % 2 === 0) child.kill('SIGHUP');
    await Promise.race([delay(Math.min(lifeMs, reloadMs)), exit]);
    child.kill('SIGKILL');
    expect([
      [null, 'SIGKILL', expect.any(String)],
      [null, 'SIGHUP', expect.any(String)],
    ]).toContainEqual(await exit);
  }
  // The last process runs for a whole period, sends all messages and stops when asked.
  const { child: last, exit } = up(line);
  const commands = fleet.commands();
  await until('the last process gives a command to a node', () => fleet.commands() > commands);
  const slow = Math.min(SLOWEST, slowness());
  await Promise.race([delay(PERIOD_MS + 3_000 * slow), exit]);
  line.isCalm = true;
  const state = openSqliteState({ path: join(folder, 'data') });
  await until('all alerts end and are sent', () => isAllSent(state), { everyMs: 200 });
  last.kill('SIGTERM');
  expect(await exit).toEqual([0, null, expect.any(String)]);

  const store = openSqliteStore({ path: join(folder, 'data') });
  const transitions = await state.listTransitions({ fromMs: 0, toMs: Date.now(), limit: 100_000 });
  const series = await store.query({ metric: 'mem_usage', fromMs: 0, toMs: Date.now() });
  await state.close();
  await store.close();

  const { fired, repeats } = requireNothingLost(transitions, sink.messages, 0);
  process.stdout.write(
    `${kills} kills: ${fired} alerts fired, ${sink.messages.length} messages, ${repeats} repeats\n`,
  );
  return { fired, samples: series.reduce((sum, { points }) => sum + points.length, 0) };
}

it(`up loses no alert when it is killed ${KILLS} times`, async () => {
  const names = Array.from({ length: LINES }, (_, i) => `line-${i}`);
  const lines = await Promise.all(names.map(startLine));
  const seen = await Promise.all(lines.map((line) => killAndCheck(line, KILLS / LINES)));
  // Make sure that enough happened.
  expect(seen.reduce((sum, { fired }) => sum + fired, 0)).toBeGreaterThan(5);
  for (const { samples } of seen) expect(samples).toBeGreaterThan(15);
});
