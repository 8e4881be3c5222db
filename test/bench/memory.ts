// How much memory `up` takes, as people install it, with a thousand nodes every ten seconds and more than an hour of samples.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { freePort } from '../../localstack/free-port.ts';
import { makeFolder } from '../../packaging/archive.ts';
import { HERE } from '../../packaging/node-releases.ts';
import { bundleProgram } from '../../packaging/program.ts';
import type { BenchOptions } from './benchmark.ts';
import { MOUNTS } from './full-node-output.ts';
import { spreadOf } from './harness.ts';
import { CLUSTER, ROLE, writeLightConfig } from './light-config.ts';
import { startLightFleet } from './light-fleet.ts';
import { memoryOf, type ProcessMemory } from './process-memory.ts';
import type { BenchmarkReport, Row } from './report.ts';
import type { Scene } from './ssh-scene.ts';
import { readTotals, type UpTotals } from './up-totals.ts';

const TARGETS = 1_000;
const EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
/** What the longest window of a default rule reads: an hour, and the lateness. */
const PAST_MS = 80 * MINUTE_MS;
const ANSWER_MS = 60_000;
const LIMIT_MB = 300;
/** Ticks of the kernel's accounts in a second (proc_pid_stat(5)). */
const TICK_MS = 10;

interface Reading extends UpTotals, ProcessMemory {
  cpuMs: number;
}

export async function benchMemory({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const minutes = quick ? 2 : 30;
  const program = join(dir, 'program');
  await bundleProgram(join(dir, 'bundle'));
  makeFolder(program, { program: join(dir, 'bundle'), cpu: HERE });
  const fleet = await startLightFleet(join(dir, 'fleet'), TARGETS, 'full-node');
  try {
    return reportOf(await watch(dir, fleet.scene, { program, minutes, log }));
  } finally {
    await fleet.stop();
  }
}

async function watch(
  dir: string,
  scene: Scene,
  { program, minutes, log }: { program: string; minutes: number; log: BenchOptions['log'] },
): Promise<Reading[]> {
  const port = await freePort();
  const { file, data } = writeLightConfig(dir, scene, { every: `${EVERY_MS / 1000}s`, port });
  await writePast(data, scene.targets);
  const up = spawn(join(program, 'bin/bartizan'), ['up', '-c', file, '--log-level', 'error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => up.once('close', () => resolve()));
  try {
    const readings: Reading[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      await Promise.race([sleep(MINUTE_MS), ended]);
      if (up.exitCode !== null) throw new Error(`up ended with exit code ${up.exitCode}`);
      const reading = { ...memoryOf(up.pid), cpuMs: cpuMsOf(up.pid), ...(await readTotals(port, ANSWER_MS)) };
      readings.push(reading);
      log(`${minute} min: ${text(reading)}`);
    }
    return readings;
  } finally {
    up.kill('SIGTERM');
    await ended;
  }
}

/** Disks as they were in the last hour, so that the first round reads as many samples as the last one. */
async function writePast(path: string, targets: readonly { name: string }[]): Promise<void> {
  const store = openSqliteStore({ path });
  const nowMs = Math.floor(Date.now() / EVERY_MS) * EVERY_MS;
  for (let timeMs = nowMs - PAST_MS; timeMs < nowMs; timeMs += EVERY_MS) {
    await store.write(
      targets.flatMap(({ name: node }) =>
        MOUNTS.map(([mount, value, device]) => ({
          ...{ metric: 'disk_usage', timeMs, value },
          labels: { cluster: CLUSTER, node, role: ROLE, mount, device },
        })),
      ),
    );
  }
  await store.close();
}

function cpuMsOf(pid: number | undefined): number {
  // The second field, the name, may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const [user, system] = [fields[11], fields[12]];
  return (Number(user) + Number(system)) * TICK_MS;
}

function text({ residentMb, peakMb, cpuMs, rounds, skipped, lost }: Reading): string {
  const load = loadavg()[0]?.toFixed(0);
  return (
    `${residentMb.toFixed(0)} MB resident, ${peakMb.toFixed(0)} MB at most, ${(cpuMs / 1000).toFixed(0)} s of CPU; ` +
    `${rounds} rounds, ${skipped} skipped, ${lost} observations lost; load ${load}`
  );
}

function reportOf(readings: readonly Reading[]): BenchmarkReport {
  const last = readings.at(-1) as Reading;
  const half = readings.slice(Math.floor(readings.length / 2));
  const rounds = Math.max(1, last.rounds);
  const row = (what: string, unit: string, values: readonly number[]): Row => ({
    what,
    contender: 'bartizan up',
    unit,
    value: spreadOf(values),
  });
  const resident = spreadOf(half.map(({ residentMb }) => residentMb));
  return {
    title: `Memory: ${TARGETS} light targets, every ${EVERY_MS / 1000} s, ${readings.length} minutes`,
    how: [
      'The program as the tar.gz has it, one process, with all default rules, three mounts a node and more than an hour of samples of',
      'disks. Resident memory is read once a minute, and counts in the second half. Bastion and nodes are other processes on the same cores.',
    ],
    rows: [
      { what: 'resident memory', contender: 'bartizan up', unit: 'MB', value: resident },
      row('resident memory at most', 'MB', [last.peakMb]),
      row('CPU a round', 'ms', [last.cpuMs / rounds]),
      row('rounds skipped', '', [last.skipped]),
    ],
    goals: [{ what: 'resident memory', against: 'MB', value: resident, limit: LIMIT_MB, unit: 'MB' }],
    missing: [],
  };
}
