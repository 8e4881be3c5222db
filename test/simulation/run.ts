// `npm run simulate -- --schedules N --seed S` runs the schedules of N seeds from S on, on two cores, and prints how
// often each kind of fault happened. `--schedules 1 --seed S --trace` prints each step of one schedule.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { add, emptyTally, isGood, reportOf } from './report.ts';
import { type Outcome, simulate } from './simulate.ts';

const DEFAULT_SCHEDULES = 20_000;
const MOST_WORKERS = 2;
/** The number of seeds that a worker gets at a time. */
const PORTION = 5;

interface Answer {
  outcomes: Outcome[];
  error?: string;
}

// The simulation makes thousands of errors on purpose; their stack traces matter only in a single schedule.
if (!isMainThread) Error.stackTraceLimit = 3;
if (isMainThread) await main();
else parentPort?.on('message', async (seeds: number[]) => parentPort?.postMessage(await runSeeds(seeds)));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: String(DEFAULT_SCHEDULES) },
      seed: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      /** Stops when one of these invariants fails; `|` separates them. */
      until: { type: 'string' },
      workers: { type: 'string', default: String(MOST_WORKERS) },
    },
  });
  const schedules = numberOf('schedules', values.schedules, 1);
  const first = numberOf('seed', values.seed, 0);
  const most = numberOf('workers', values.workers, 1);
  const startMs = performance.now();
  const tally = emptyTally();
  const onOutcome = (outcome: Outcome) => {
    add(tally, outcome);
    if (schedules === 1) printViolations(outcome);
  };
  if (schedules === 1) onOutcome(await simulate(first, values.trace ? print : undefined));
  else await runAll({ first, schedules, most, until: values.until?.split('|') ?? [] }, onOutcome);
  print(reportOf(tally, performance.now() - startMs));
  process.exit(isGood(tally) ? 0 : 1);
}

function numberOf(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  process.stderr.write(`--${name} takes a whole number from ${least} on\n`);
  process.exit(2);
}

function printViolations({ seed, kind, violations }: Outcome): void {
  print(`seed ${seed}, state on ${kind}: ${violations.length === 0 ? 'every invariant holds' : ''}`);
  for (const { what, about } of violations) print(`  ${what}: ${about}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Each worker takes the next seeds when it finished its last ones. */
async function runAll(
  {
    first,
    schedules,
    most,
    until,
  }: { first: number; schedules: number; most: number; until: readonly string[] },
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  let next = first;
  let stopped = false;
  // A search stops at the schedule that finds a failure.
  const longest = until.length > 0 ? 1 : PORTION;
  const portion = () => {
    const count = stopped ? 0 : Math.min(longest, first + schedules - next);
    next += count;
    return Array.from({ length: count }, (_, i) => next - count + i);
  };
  const workers = Math.min(most, availableParallelism(), Math.ceil(schedules / PORTION));
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
      const text = error instanceof Error ? error.stack : String(error);
      return { outcomes, error: `the simulation of seed ${seed} broke: ${text}` };
    }
  }
  return { outcomes };
}
