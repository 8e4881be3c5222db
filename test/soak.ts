// Runs `bartizan up` over light targets, which have processes of their own, and watches its memory: `npm run soak --
// [--minutes 10] [--targets 1000] [--every 10s]`. Exit code 1 when memory certainly grows from round to round, a round failed,
// or observations were lost that a busy machine does not explain. Skipped rounds only mean that the machine is busy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseDuration } from '../core/duration.ts';
import { freePort } from '../localstack/free-port.ts';
import { writeLightConfig } from './bench/light-config.ts';
import { startLightFleet } from './bench/light-fleet.ts';
import { readTotals } from './bench/up-totals.ts';
import { slowness } from './machine-speed.ts';
import { growthOf, steadyGrowthOf } from './memory-trend.ts';

/** The share of the interval after which a round is over, so that a reading leaves out what only the round needs. */
const READ_AT = 0.8;
/** The share of the time after which connections are open and code is compiled. */
const WARM = 0.3;
/** A collection takes a tenth of a second. */
const ANSWER_MS = 120_000;
/** Limit for each round: 100 bytes for each of 1,000 targets. A leaked object takes more. */
const MOST_GROWTH_BYTES = 100_000;
/**
 * A machine that is slower than a quiet one by this factor may miss deadlines: a node has 8 s of an interval of 10 s, and a
 * round takes 1 to 2 s on a quiet machine.
 */
const BUSY = 3;
/** A busy machine may lose this share of the observations. */
const MOST_LOST = 0.1;

const { values: args } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    targets: { type: 'string', default: '1000' },
    every: { type: 'string', default: '10s' },
  },
});
const [minutes, targets] = [Number(args.minutes), Number(args.targets)];

const port = await freePort();
const dir = mkdtempSync(join(tmpdir(), 'bartizan-soak-'));
const fleet = await startLightFleet(join(dir, 'fleet'), targets);
const { file } = writeLightConfig(dir, fleet.scene, { every: args.every, port });

/** With one arena and without mappings, the allocator has all its memory in the segment `[heap]` (mallopt(3)). */
const ONE_SEGMENT = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: '131072' };
const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const up = spawn(
  process.execPath,
  [
    ...['--import', program('soak-memory.ts'), program('../bin/bartizan.ts')],
    ...['up', '-c', file, '--log-level', 'error'],
  ],
  { env: { ...process.env, ...ONE_SEGMENT }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
);
const ended = new Promise<void>((resolve) => up.once('close', () => resolve()));

try {
  const everyMs = parseDuration(args.every);
  const readings: (MemoryInUse & { rounds: number })[] = [];
  const beganMs = Date.now();
  const shareDone = () => (Date.now() - beganMs) / (minutes * 60_000);
  let lost = 0;
  let unexplained = 0;
  while (shareDone() < 1) {
    await sleep(everyMs - ((Date.now() + (1 - READ_AT) * everyMs) % everyMs));
    const isBusy = slowness() > BUSY;
    const memory = await memoryInUse();
    if (shareDone() < WARM) continue;
    const now = await readTotals(port, ANSWER_MS);
    if (!isBusy) unexplained += now.lost - lost;
    lost = now.lost;
    readings.push({ ...memory, rounds: now.rounds });
    process.stdout.write(`round ${now.rounds}: ${memoryText(memory)}\n`);
  }
  const { rounds, failed, skipped, observations } = await readTotals(port, ANSWER_MS);
  const series = (bytes: (memory: MemoryInUse) => number) =>
    readings.map((one) => ({ rounds: one.rounds, bytes: bytes(one) }));
  const kept = growthOf(series(({ keptBytes }) => keptBytes));
  // The allocator keeps what a backlog once needed: it grows by steps on a busy machine.
  const native = steadyGrowthOf(series(({ nativeBytes }) => nativeBytes));
  process.stdout.write(
    `${rounds} rounds of ${targets} targets, ${failed} failed, ${skipped} skipped; ` +
      `${lost} of ${observations} observations lost, ${unexplained} of them while the machine was not busy\n` +
      `growth a round, at most ${kb(MOST_GROWTH_BYTES)}: ${kb(kept.likely)} (certainly ${kb(kept.least)}) kept, ${kb(native)} native\n`,
  );
  const grew = kept.least > MOST_GROWTH_BYTES || native > MOST_GROWTH_BYTES;
  const lostTooMany = unexplained > 0 || lost > observations * MOST_LOST;
  const tooFew = !Number.isFinite(kept.least);
  if (tooFew) process.stdout.write('too few rounds to say whether memory grows\n');
  if (failed > 0 || tooFew || lostTooMany || grew) process.exitCode = 1;
} finally {
  up.kill('SIGTERM');
  await ended;
  await fleet.stop();
  rmSync(dir, { recursive: true, force: true });
}

interface MemoryInUse {
  /** After a collection, see `soak-memory.ts`. */
  keptBytes: number;
  nativeBytes: number;
}

async function memoryInUse(): Promise<MemoryInUse> {
  const answered = once(up, 'message', { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => {
    throw new Error(`up did not answer within ${ANSWER_MS / 1000} s`);
  });
  // A send fails only when `up` ends, which the race below notices.
  up.send('read', () => {});
  const answer = await Promise.race([answered, ended]);
  if (!answer) throw new Error(`up ended with exit code ${up.exitCode}`);
  // proc_pid_smaps(5)
  const kb = /\[heap\]\n.*?^Rss:\s+(\d+) kB$/ms.exec(readFileSync(`/proc/${up.pid}/smaps`, 'utf8'))?.[1];
  if (kb === undefined) throw new Error('there is no segment [heap]: the C library is not glibc');
  return { keptBytes: answer[0] as number, nativeBytes: Number(kb) * 1024 };
}

function memoryText({ keptBytes, nativeBytes }: MemoryInUse): string {
  const mb = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MB`;
  return `${mb(keptBytes)} kept, ${mb(nativeBytes)} native`;
}

function kb(bytes: number): string {
  return `${(bytes / 1_000).toFixed(0)} KB`;
}
