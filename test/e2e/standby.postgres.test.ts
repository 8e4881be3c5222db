// Two `bartizan up` share a state in PostgreSQL. Whichever is killed or frozen, and whenever: no alert is lost, no message is sent
// twice under two numbers, and who was frozen sends nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPostgresState } from '../../adapters/state/postgres/state.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { steadyMemory } from '../../localstack/fleet/node-model.ts';
import { freePort } from '../../localstack/free-port.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { scaledMs } from '../machine-speed.ts';
import { POSTGRES_PASSWORD, type PostgresServer, startPostgres } from '../postgres-server.ts';
import { type MetricsServer, startPrometheus } from '../prometheus-servers.ts';
import { until } from '../until.ts';
import { isAllSent, requireNothingLost } from './nothing-lost.ts';

/** Each is killed or frozen in turn, leader and standby. */
const TURNS = 3;
const EVERY_MS = 2_000;
const PERIOD_MS = 12_000;
const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));

interface Up {
  name: string;
  dir: string;
  port: number;
  /** Each has its own, so that the test knows who sent a message. */
  sink: Sink;
  child: ChildProcess;
}

let dir: string;
let fleet: Fleet;
let database: PostgresServer;
let metrics: MetricsServer;
let ups: [Up, Up];
/** A busy machine must not take the lead from a process that nobody touches. */
let leaseMs: number;

let isCalm = false;
const wave = (offsetMs: number) => (ms: number) =>
  !isCalm && (ms + offsetMs) % PERIOD_MS < PERIOD_MS / 2 ? 96 : 40;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-standby-'));
  leaseMs = scaledMs(3_000);
  [database, metrics, fleet] = await Promise.all([
    startPostgres(),
    startPrometheus({ windowMs: 3_600_000 }),
    startFleet({
      dir: join(dir, 'nodes'),
      nodes: [
        { name: 'n1', seed: 1, memory: wave(0) },
        { name: 'n2', seed: 2, memory: wave(4_000) },
        { name: 'n3', seed: 3, memory: steadyMemory(50, 3) },
      ],
    }),
  ]);
  ups = [await prepareUp('a'), await prepareUp('b')];
});
afterAll(async () => {
  for (const { child, sink } of ups) {
    child.kill('SIGKILL');
    await sink.stop();
  }
  await fleet.stop();
  await metrics.stop();
  await database.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function prepareUp(name: string): Promise<Up> {
  const own = join(dir, name);
  mkdirSync(join(own, 'data'), { recursive: true });
  const sink = await startSink({ secret: 'standby-secret', dir: join(own, 'messages') });
  const port = await freePort();
  writeFileSync(join(own, 'data/known_hosts'), fleet.knownHosts);
  for (const [file, text] of [
    ['key', fleet.privateKey],
    ['secret', 'standby-secret'],
    ['password', POSTGRES_PASSWORD],
  ] as const)
    writeFileSync(join(own, file), text, { mode: 0o600 });
  const nodes = fleet.nodes.map(
    (n) => `      - { name: ${n.name}, role: etcd, host: ${n.host}, port: ${n.port}, user: probe }`,
  );
  writeFileSync(
    join(own, 'bartizan.yaml'),
    `
bastions:
  - { name: b, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }
clusters:
  - name: prod
    bastion: b
    nodes:
${nodes.join('\n')}
checks: [{ name: usage, probe: usage, every: ${EVERY_MS / 1000}s }]
rules:
  - { name: memory, metric: mem_usage, above: 90, for: 0s, severity: critical }
  - { name: memory-held, metric: mem_usage, above: 90, for: 2s, severity: critical }
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${file:secret}", picture: none }]
routes: [{ name: all, channels: [ops], groupInterval: 0s }]
store: { type: prometheus, url: "${metrics.url}", path: data }
state:
  type: postgres
  host: 127.0.0.1
  port: ${database.port}
  password: "\${file:password}"
  tls: { mode: "off" }
  lease: ${Math.ceil(leaseMs / 1000)}s
  timeout: 3s
schedule: { jitter: 0s, lateness: 5m }
server: { listen: "127.0.0.1:${port}" }
`,
  );
  return { name, dir: own, port, sink, child: start(own) };
}

function start(own: string): ChildProcess {
  const args = [bin, 'up', '-c', join(own, 'bartizan.yaml'), '--log-level', 'silent'];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** 200 from the leader, 503 from a standby, undefined from who is not there. */
async function readiness({ port }: Up): Promise<number | undefined> {
  const answer = await axios
    .get(`http://127.0.0.1:${port}/readyz`, {
      timeout: scaledMs(500),
      validateStatus: () => true,
      proxy: false,
    })
    .catch(() => undefined);
  return answer?.status;
}

async function leaderAndStandby(): Promise<{ leader: Up; standby: Up }> {
  let found: { leader: Up; standby: Up } | undefined;
  await until('one leads and one stands by', async () => {
    const [a, b] = await Promise.all(ups.map(readiness));
    if (a === 200 && b === 503) found = { leader: ups[0], standby: ups[1] };
    if (a === 503 && b === 200) found = { leader: ups[1], standby: ups[0] };
    return found !== undefined;
  });
  return found as { leader: Up; standby: Up };
}

async function kill(up: Up): Promise<void> {
  const exit = once(up.child, 'exit');
  up.child.kill('SIGKILL');
  await exit;
}

const termNow = async () =>
  Number((await database.query('SELECT term FROM bartizan.leader', [], 'bartizan')).rows[0]?.term);

it(`two processes lose no alert when either is killed or frozen ${TURNS} times`, async () => {
  const takeovers: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const { leader, standby } = await leaderAndStandby();
    const health = await axios.get(`http://127.0.0.1:${standby.port}/healthz`);
    expect(health.data).toMatchObject({ role: 'standby', status: 'ok' });
    await until('the leader has sent a message', () => leader.sink.messages.length > 0);
    await delay(Math.random() * EVERY_MS * 1.5);
    const term = await termNow();
    const beganAtMs = performance.now();
    if (turn % 3 === 2) {
      await kill(standby);
      standby.child = start(standby.dir);
      continue;
    }
    const frozen = turn % 3 === 1;
    if (frozen) leader.child.kill('SIGSTOP');
    else await kill(leader);
    await until('the standby leads', async () => (await termNow()) > term, { everyMs: 20 });
    const tookMs = performance.now() - beganAtMs;
    takeovers.push(tookMs);
    expect(tookMs).toBeLessThan(scaledMs(frozen ? leaseMs + EVERY_MS : 2 * EVERY_MS));
    if (!frozen) {
      leader.child = start(leader.dir);
      continue;
    }
    await until('the new leader is there', async () => (await readiness(standby)) === 200);
    const before = leader.sink.requests();
    leader.child.kill('SIGCONT');
    await until('the former leader stands by', async () => (await readiness(leader)) === 503);
    expect(leader.sink.requests()).toBe(before);
  }
  const { leader, standby } = await leaderAndStandby();
  await delay(PERIOD_MS / 2 + EVERY_MS * 2);
  isCalm = true;
  const options = database.options('bartizan');
  const state = await openPostgresState(options, { secrets: database.secrets });
  await until('all alerts end and are sent', () => isAllSent(state), { everyMs: 200 });
  const ends = [leader, standby].map(({ child }) => once(child, 'exit'));
  standby.child.kill('SIGTERM');
  expect(await ends[1]).toEqual([0, null]);
  leader.child.kill('SIGTERM');
  expect(await ends[0]).toEqual([0, null]);

  const transitions = await state.listTransitions({ fromMs: 0, toMs: Date.now(), limit: 100_000 });
  await state.close();
  const messages = ups.flatMap(({ sink }) => sink.messages);
  const { fired, repeats } = requireNothingLost(transitions, messages, 3);
  for (const { sink } of ups) expect(sink.messages.length).toBeGreaterThan(0);
  const seconds = takeovers.map((ms) => (ms / 1000).toFixed(1)).join(', ');
  process.stdout.write(
    `takeovers after ${seconds} s: ${fired} alerts fired, ${messages.length} messages, ${repeats} repeats\n`,
  );
});
