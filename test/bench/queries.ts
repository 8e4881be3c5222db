// What heavy queries cost the rounds and messages of a running `up`: minutes with and without them alternate.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import { findLines } from '../../adapters/audit/find-lines.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { freePort } from '../../localstack/free-port.ts';
import { startSink } from '../../localstack/sink/sink.ts';
import type { BenchOptions } from './benchmark.ts';
import { MOUNTS } from './full-node-output.ts';
import { type Spread, spreadOf } from './harness.ts';
import { CLUSTER, ROLE, writeLightConfig } from './light-config.ts';
import { startLightFleet } from './light-fleet.ts';
import { nodeJob } from './measured-process.ts';
import { memoryOf } from './process-memory.ts';
import type { BenchmarkReport, Row } from './report.ts';
import { startResident } from './resident.ts';
import type { Scene } from './ssh-scene.ts';

const EVERY_MS = 5_000;
const CLIENTS = 20;
const HOURS = 6;
/** Between two samples of the past. */
const PAST_STEP_MS = 15_000;
/** Of the fleet before anything counts, and of a phase. */
const [FIRST_ROUNDS, ROUNDS] = [4, 8];
/** Until the clients have left, and the next phase begins. */
const ROUNDS_BETWEEN = 3;
const WATCH_MS = 100;
const [QUIET, LOADED] = ['without queries', 'with queries'];
const MB = 1024 ** 2;
const LIMIT_LATER_MS = 500;

/** From the scheduled time of a round. */
interface Delays {
  /** Until the first node is asked. */
  startMs: number[];
  /** Until its message was accepted. */
  messageMs: number[];
}

/** Seen from outside, several times a second. */
interface Watched {
  /** Of `/livez`: as long as the event loop was blocked, or longer. */
  livezMs: number[];
  walMb: number[];
  upMb: number[];
  childMb: number[];
}

type Phase = Delays & Watched & { kind: string; fromMs: number; toMs: number };

export async function benchQueries({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const [targets, phases] = quick ? [100, 4] : [200, 10];
  const fleet = await startLightFleet(join(dir, 'fleet'), targets, 'full-node');
  try {
    const measured = await measure(dir, fleet.scene, phases, log);
    return reportOf(targets, measured);
  } finally {
    await fleet.stop();
  }
}

interface Measured {
  phases: readonly Phase[];
  answers: Readonly<Record<string, number>>;
  beforeMb: number;
  skipped: number;
  /** How often the history process failed. */
  failures: number;
}

async function measure(
  dir: string,
  scene: Scene,
  count: number,
  log: BenchOptions['log'],
): Promise<Measured> {
  const secret = randomBytes(24).toString('hex');
  writeFileSync(join(dir, 'secret'), secret, { mode: 0o600 });
  const received: { firedAtMs: number; afterMs: number }[] = [];
  const sink = await startSink({
    ...{ secret, dir: join(dir, 'messages') },
    onMessage({ payload, receivedAtMs }) {
      const [alert] = payload.alerts;
      if (payload.status !== 'firing' || !alert) return;
      const firedAtMs = Date.parse(alert.firedAt);
      received.push({ firedAtMs, afterMs: receivedAtMs - firedAtMs });
    },
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const rules = rulesOf(FIRST_ROUNDS + count * (ROUNDS + ROUNDS_BETWEEN));
  const channels = [{ name: 'ops', type: 'webhook', url: sink.url, secret: `\${file:secret}` }];
  const { file, data } = writeLightConfig(dir, scene, {
    ...{ every: `${EVERY_MS / 1_000}s`, port },
    more: { rules, channels, routes: [{ name: 'all', channels: ['ops'] }] },
  });
  log(`writing ${HOURS} h of ${scene.targets.length} nodes`);
  await writePast(data, scene.targets);
  const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));
  const up = spawn(process.execPath, [bin, 'up', '-c', file, '--log-level', 'error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => up.once('close', () => resolve()));
  const load = startResident<Record<string, number>>(
    nodeJob('query-load.ts', url, String(CLIENTS), String(HOURS)),
  );
  const answers: Record<string, number> = {};
  try {
    await sleep(FIRST_ROUNDS * EVERY_MS);
    const beforeMb = memoryOf(up.pid).residentMb;
    const phases: Phase[] = [];
    for (let i = 0; i < count; i++) {
      const kind = i % 2 === 0 ? QUIET : LOADED;
      if (kind === LOADED) await load.ask();
      const phase = await watchPhase(kind, { url, data, pid: up.pid as number });
      if (kind === LOADED) add(answers, await load.ask());
      if (up.exitCode !== null) throw new Error(`up ended with exit code ${up.exitCode}`);
      phases.push(phase);
      log(`phase ${i + 1} of ${count}, ${kind}: ${JSON.stringify(answers)}`);
    }
    const { records } = await findLines(data, { kind: ['probe'] }, 1_000_000);
    for (const phase of phases) {
      const isIn = (timeMs: number) => timeMs >= phase.fromMs && timeMs < phase.toMs;
      phase.messageMs = received.filter((one) => isIn(one.firedAtMs)).map(({ afterMs }) => afterMs);
      phase.startMs = startsOf(records.map(({ atMs }) => atMs).filter(isIn));
    }
    const metrics = String((await axios.get(`${url}/metrics`)).data);
    const total = (name: string) =>
      Number(new RegExp(`^bartizan_${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? 0);
    const [skipped, failures] = [total('rounds_skipped_total'), total('history_process_failures_total')];
    return { phases, answers, beforeMb, skipped, failures };
  } finally {
    await load.stop();
    up.kill('SIGTERM');
    await ended;
    await sink.stop();
  }
}

/** One rule for each round, so that each has a message. */
function rulesOf(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    ...{ name: `load-${i}`, metric: 'load1', above: 0.01, severity: 'warning' },
    ...{ for: `${(i + 1) * (EVERY_MS / 1_000)}s`, where: { node: 'target-0' } },
  }));
}

async function writePast(path: string, targets: readonly { name: string }[]): Promise<void> {
  const store = openSqliteStore({ path });
  const nowMs = Math.floor(Date.now() / PAST_STEP_MS) * PAST_STEP_MS;
  for (let timeMs = nowMs - HOURS * 3_600_000; timeMs < nowMs - 60_000; timeMs += PAST_STEP_MS) {
    await store.write(
      targets.flatMap(({ name: node }, i) => {
        const labels = { cluster: CLUSTER, node, role: ROLE };
        const value = 20 + ((timeMs / PAST_STEP_MS + i) % 50);
        return [
          { metric: 'mem_usage', timeMs, value, labels },
          { metric: 'cpu_usage', timeMs, value, labels },
          ...MOUNTS.map(([mount, used, device]) => ({
            ...{ metric: 'disk_usage', timeMs, value: used },
            labels: { ...labels, mount, device },
          })),
        ];
      }),
    );
  }
  await store.close();
}

/** From the middle of one interval to the middle of another, so that whole rounds are in it. */
async function watchPhase(
  kind: string,
  { url, data, pid }: { url: string; data: string; pid: number },
): Promise<Phase> {
  const fromMs = (Math.ceil(Date.now() / EVERY_MS) + 0.5) * EVERY_MS;
  const toMs = fromMs + ROUNDS * EVERY_MS;
  await sleep(fromMs - Date.now());
  const phase: Phase = {
    ...{ kind, fromMs, toMs, startMs: [], messageMs: [] },
    ...{ livezMs: [], walMb: [], upMb: [], childMb: [] },
  };
  while (Date.now() < toMs) {
    const beganMs = performance.now();
    await axios.get(`${url}/livez`);
    phase.livezMs.push(performance.now() - beganMs);
    phase.walMb.push(statSync(join(data, 'samples.db-wal')).size / MB);
    phase.upMb.push(memoryOf(pid).residentMb);
    for (const child of childrenOf(pid)) phase.childMb.push(memoryOf(child).residentMb);
    await sleep(WATCH_MS);
  }
  return phase;
}

/** The history process is the only one that lasts. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** How long after its scheduled time each round began. */
function startsOf(timesMs: readonly number[]): number[] {
  const first = new Map<number, number>();
  for (const timeMs of timesMs) {
    const roundMs = Math.floor(timeMs / EVERY_MS) * EVERY_MS;
    first.set(roundMs, Math.min(first.get(roundMs) ?? Infinity, timeMs - roundMs));
  }
  return [...first.values()];
}

function add(to: Record<string, number>, found: Readonly<Record<string, number>>): void {
  for (const [status, count] of Object.entries(found)) to[status] = (to[status] ?? 0) + count;
}

function reportOf(
  targets: number,
  { phases, answers, beforeMb, skipped, failures }: Measured,
): BenchmarkReport {
  const all = (kind: string, figure: keyof (Delays & Watched)) =>
    phases.filter((phase) => phase.kind === kind).flatMap((phase) => phase[figure]);
  const rows = (what: string, unit: string, figure: keyof (Delays & Watched)): Row[] =>
    [QUIET, LOADED].flatMap((contender) => {
      const values = all(contender, figure);
      return values.length === 0 ? [] : [{ what, contender, unit, value: spreadOf(values) }];
    });
  const later = laterOf(all(QUIET, 'messageMs'), all(LOADED, 'messageMs'));
  const asked = Object.entries(answers).map(([status, count]) => `${count} with ${status}`);
  return {
    title: `Queries beside rounds: ${targets} light targets every ${EVERY_MS / 1_000} s, ${CLIENTS} clients`,
    how: [
      `\`bartizan up\` with ${HOURS} hours of samples. In half of the time ${CLIENTS} clients ask without a pause for ranges of all series, regular`,
      'expressions, rankings, quantiles, bins and backtests; phases with and without them alternate. Each round has an alert that fires.',
      `Answers: ${asked.join(', ')}. The history process failed ${failures} times; ${skipped} rounds were skipped. Bastion, nodes and clients are`,
      'other processes on the same cores.',
    ],
    rows: [
      ...rows('scheduled time of a round to its first command', 'ms', 'startMs'),
      ...rows('scheduled time of a round to its message', 'ms', 'messageMs'),
      ...rows('answer of /livez', 'ms', 'livezMs'),
      ...rows('write-ahead log', 'MB', 'walMb'),
      { what: 'resident memory of up, at first', contender: QUIET, unit: 'MB', value: spreadOf([beforeMb]) },
      ...rows('resident memory of up', 'MB', 'upMb'),
      ...rows('resident memory of the history process', 'MB', 'childMb'),
    ],
    goals: [
      {
        what: 'messages come later beside queries, median',
        against: QUIET,
        value: later,
        limit: LIMIT_LATER_MS,
        unit: 'ms',
      },
    ],
    missing: [],
  };
}

function laterOf(quiet: readonly number[], loaded: readonly number[]): Spread | undefined {
  if (quiet.length === 0 || loaded.length === 0) return undefined;
  const usual = spreadOf(quiet).median;
  return spreadOf(loaded.map((afterMs) => afterMs - usual));
}
