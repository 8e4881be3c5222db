import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JOB_VARIABLE, type Job, type Outcome, type Status } from './job.ts';

/** A process that reports nothing for this long hangs in code without mutants. It reports each test, on a busy machine too. */
const SILENT_MS = 600_000;
/** The first run of all tests reports nothing. */
const FIRST_SILENT_MS = 3_600_000;

export interface Result {
  status: Status;
  by?: string;
  tests?: number;
  ms?: number;
}

/** Runs the tests without a mutant, for their times and coverage. */
export async function measure(job: Job, folder: string, print: (line: string) => void): Promise<void> {
  const output = await start({ ...job, mutants: [] }, folder, (outcome) => {
    if (outcome.status === 'ready') printReady(outcome, print);
  });
  if (!existsSync(job.baselinePath)) throw new Error(`The tests do not run: ${output}`);
}

function printReady(
  { tests, left, ms }: Extract<Outcome, { status: 'ready' }>,
  print: (line: string) => void,
): void {
  print(`${tests} tests are ready after ${Math.round(ms / 1000)} s`);
  for (const line of left) print(`left out, fails without a mutant: ${line}`);
}

/** Splits a job for several processes. Loading the tests more than once pays for a large job. */
export function splitJob(job: Job, processes: number): Job[] {
  const parts = job.mutants.length > 500 ? processes : 1;
  const size = Math.ceil(job.mutants.length / parts);
  return Array.from({ length: parts }, (_, part) => ({
    ...job,
    mutants: job.mutants.slice(part * size, (part + 1) * size),
  }));
}

/** Runs a job to its end, in a new process after each one that hangs, dies or is unusable. */
export async function runJob(
  job: Job,
  folder: string,
  onResult: (id: number, result: Result) => void,
  print: (line: string) => void,
): Promise<void> {
  const done = new Set<number>();
  const spoilt = new Set<number>();
  for (;;) {
    const before = done.size + spoilt.size;
    const mutants = job.mutants.filter(({ id }) => !done.has(id));
    if (mutants.length === 0) return;
    let begun: number | undefined;
    const output = await start({ ...job, mutants }, folder, (outcome) => {
      if (outcome.status === 'ready') {
        printReady(outcome, print);
        return;
      }
      if (outcome.status === 'begun') {
        begun = outcome.id;
        return;
      }
      begun = undefined;
      if (outcome.status === 'spoilt' && !spoilt.has(outcome.id)) {
        spoilt.add(outcome.id);
        print(`started anew, as this fails afterwards: ${outcome.by}`);
        return;
      }
      done.add(outcome.id);
      onResult(outcome.id, outcome.status === 'spoilt' ? { status: 'killed', by: outcome.by } : outcome);
    });
    if (begun !== undefined) {
      done.add(begun);
      onResult(begun, { status: 'timeout', by: output });
    } else if (done.size + spoilt.size === before) {
      throw new Error(`The tests do not run: ${output}`);
    }
  }
}

function start(job: Job, folder: string, onOutcome: (outcome: Outcome) => void): Promise<string> {
  const name = join(folder, `job-${randomUUID()}`);
  const resultsPath = `${name}.jsonl`;
  writeFileSync(`${name}.json`, JSON.stringify({ ...job, resultsPath }));
  return runProcess(`${name}.json`, resultsPath, onOutcome);
}

/** Resolves when the process ends, with its last output. */
function runProcess(
  jobPath: string,
  resultsPath: string,
  onOutcome: (outcome: Outcome) => void,
): Promise<string> {
  const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
  const config = join(import.meta.dirname, 'vitest.config.ts');
  const child = spawn(process.execPath, [vitest, 'run', '--config', config], {
    detached: true,
    env: { ...process.env, [JOB_VARIABLE]: jobPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  process.once('exit', end);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output = (output + data).slice(-4000);
    });
  }
  let read = 0;
  let newsAtMs = Date.now();
  const readNews = () => {
    const lines = existsSync(resultsPath) ? readFileSync(resultsPath, 'utf8').split('\n').slice(0, -1) : [];
    for (const line of lines.slice(read)) onOutcome(JSON.parse(line) as Outcome);
    if (lines.length > read) newsAtMs = Date.now();
    read = lines.length;
  };
  const timer = setInterval(() => {
    readNews();
    const limitMs = read === 0 ? FIRST_SILENT_MS : SILENT_MS;
    if (Date.now() - newsAtMs > limitMs) end();
  }, 1000);
  return new Promise((resolve) => {
    child.on('close', () => {
      clearInterval(timer);
      process.off('exit', end);
      readNews();
      resolve(output);
    });
  });
}
