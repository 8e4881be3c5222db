// `npm run simulate -- --schedules N --seed S`: runs the schedules of N seeds from S on, on two cores, and says how often
// each kind of fault occurred. `--schedules 1 --seed S --trace` tells one schedule as it goes.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { add, emptyTally, isGood, reportOf } from './report.ts';
import { type Outcome, simulate } from './simulate.ts';

const DEFAULT_SCHEDULES = 20_000;
const MOST_WORKERS = 2;
/** Seeds that a worker is given at once. */
const PORTION = 10;

interface Answer {
  outcomes: Outcome[];
  error?: string;
}

// Thousands of errors are made on purpose; where is of interest only in one schedule.
if (!isMainThread) Error.stackTraceLimit = 3;
if (isMainThread) await main();
else parentPort?.on('message', async (seeds: number[]) => parentPort?.postMessage(await runSeeds(seeds)));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: String(DEFAULT_SCHEDULES) },
      seed: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      /** Ends once one of these does not hold; `|` stands between them. */
      until: { type: 'string' },
    },
  });
  const [schedules, first] = [Number(values.schedules), Number(values.seed)];
  if (!Number.isInteger(schedules) || schedules < 1 || !Number.isInteger(first) || first < 0) {
    process.stderr.write('--schedules takes a number from 1 on, --seed one from 0 on\n');
    process.exit(2);
  }
  const startMs = performance.now();
  const tally = emptyTally();
  const onOutcome = (outcome: Outcome) => {
    add(tally, outcome);
    if (schedules === 1) printViolations(outcome);
  };
  if (schedules === 1) onOutcome(await simulate(first, values.trace ? print : undefined));
  else await runAll({ first, schedules, until: values.until?.split('|') ?? [] }, onOutcome);
  print(reportOf(tally, performance.now() - startMs));
  process.exit(isGood(tally) ? 0 : 1);
}

function printViolations({ seed, kind, violations }: Outcome): void {
  print(`seed ${seed}, state on ${kind}: ${violations.length === 0 ? 'every invariant holds' : ''}`);
  for (const { what, about } of violations) print(`  ${what}: ${about}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Each worker takes the next seeds when it has done with its last ones. */
async function runAll(
  { first, schedules, until }: { first: number; schedules: number; until: readonly string[] },
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  let next = first;
  let stopped = false;
  const portion = () => {
    const count = stopped ? 0 : Math.min(PORTION, first + schedules - next);
    next += count;
    return Array.from({ length: count }, (_, i) => next - count + i);
  };
  const workers = Math.min(MOST_WORKERS, availableParallelism(), Math.ceil(schedules / PORTION));
  await Promise.all(
    Array.from({ length: workers }, async () => {
      const worker = new Worker(new URL(import.meta.url));
      for (let seeds = portion(); seeds.length > 0; seeds = portion()) {
        const { outcomes, error } = await answerOf(worker, seeds);
        if (error !== undefined) throw new Error(error);
        for (const outcome of outcomes) onOutcome(outcome);
        if (outcomes.some(({ violations }) => violations.some(({ what }) => until.includes(what))))
          stopped = true;
      }
      await worker.terminate();
    }),
  );
}

function answerOf(worker: Worker, seeds: readonly number[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answer: Answer) => {
      worker.off('error', reject);
      resolve(answer);
    });
    worker.postMessage(seeds);
  });
}

async function runSeeds(seeds: readonly number[]): Promise<Answer> {
  const outcomes: Outcome[] = [];
  for (const seed of seeds) {
    try {
      outcomes.push(await simulate(seed));
    } catch (error) {
      const words = error instanceof Error ? error.stack : String(error);
      return { outcomes, error: `the simulation of seed ${seed} broke: ${words}` };
    }
  }
  return { outcomes };
}
