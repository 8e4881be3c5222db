import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { configureGlobal } from 'fast-check';
import { describe, it, type RunnerTestCase, type RunnerTestSuite } from 'vitest';
import { type Baseline, type Job, type Measured, type Outcome, readJob, type Status } from './job.ts';
import { EndlessLoopError, mutants, takeSeen } from './switch.ts';
import { openSuite, runTest, testsIn } from './test-run.ts';

/**
 * A mutant may take this much longer than the code itself: in CPU time, and in time that the event loop waits, so that a
 * busy machine ends nothing early.
 */
const TIMES_CALLS = 20;
const MORE_CALLS = 200_000;
const TIMES_MS = 20;
const MORE_MS = 2_000;
/** Without a mutant. */
const LIMIT_MS = 60_000;
/** How often the two times are read. */
const INSPECT_MS = 500;

interface Candidate {
  test: RunnerTestCase;
  name: string;
  file: string;
  ms: number;
  idleMs: number;
  calls: number;
}

const UNKNOWN = { ms: 0, idleMs: 0, calls: 0 };

/** Tests may replace the timers. */
const realSetTimeout = setTimeout;
const realClearTimeout = clearTimeout;

const job: Job = readJob();
const left: string[] = [];
const files = [...new Set(Object.values(job.near).flatMap((near) => Object.keys(near)))];
const report = (outcome: Outcome) => appendFileSync(job.resultsPath, `${JSON.stringify(outcome)}\n`);

// A counterexample is enough; finding a small one takes long.
configureGlobal({ endOnFailure: true });

for (const file of files) {
  describe(file, async () => {
    await import(`../../${file}`).catch((error) => left.push(`${file}: ${error}`));
  });
}

it('the driver executes the mutants', async ({ task }) => {
  const loaded = new Set(takeSeen());
  const suites = task.file.tasks.filter((each) => each.type === 'suite');
  const closes: (() => Promise<void>)[] = [];
  try {
    await executeAll(suites, loaded, closes);
  } finally {
    for (const close of closes) await close().catch(() => undefined);
  }
});

async function executeAll(
  suites: readonly RunnerTestSuite[],
  loaded: ReadonlySet<number>,
  closes: (() => Promise<void>)[],
): Promise<void> {
  const startedAtMs = performance.now();
  const baseline = readBaseline();
  const firstIds = new Map(job.files.map(({ path, firstId }) => [path, firstId]));
  const covering = new Map<number, Candidate[]>();
  let count = 0;
  for (const suite of suites) {
    closes.push(await openSuite(suite));
    takeSeen();
    const found = testsIn(suite);
    const candidates = found.map((test) => ({ test, name: test.name, file: suite.name, ...UNKNOWN }));
    const known = knownOf(baseline, suite.name, candidates.length);
    const tests = known ?? [];
    for (const [index, candidate] of candidates.entries()) {
      const measured = known ? known[index] : await measure(candidate);
      if (!known) tests.push(measured ?? null);
      count++;
      if (!measured) continue;
      const { ms, idleMs, calls } = measured;
      Object.assign(candidate, { ms, idleMs, calls });
      for (const [path, numbers] of Object.entries(measured.seen)) {
        const firstId = firstIds.get(path);
        if (firstId === undefined) continue;
        for (const number of numbers)
          covering.set(firstId + number, [...(covering.get(firstId + number) ?? []), candidate]);
      }
    }
    if (known) continue;
    baseline[suite.name] = { stamp: job.stamps[suite.name] ?? '', files: [...firstIds.keys()], tests };
    mkdirSync(dirname(job.baselinePath), { recursive: true });
    writeFileSync(job.baselinePath, JSON.stringify(baseline));
  }
  const ms = Math.round(performance.now() - startedAtMs);
  report({ status: 'ready', tests: count, left, ms });
  const killers = new Map<string, Candidate[]>();
  for (const mutant of job.mutants) {
    const recent = killers.get(mutant.file) ?? [];
    const tests = inOrder(covering.get(mutant.id) ?? [], job.near[mutant.file] ?? {}, recent);
    if (tests.length === 0) {
      report({ id: mutant.id, status: loaded.has(mutant.id) ? 'static' : 'uncovered' });
      continue;
    }
    const { status, killer, ms, executed } = await execute(mutant.id, tests);
    const after = killer && (await attempt(killer, -1, Infinity));
    const by = killer && `${killer.file} > ${killer.name}`;
    if (after) {
      report({ id: mutant.id, status: 'spoilt', by: `${by}: ${after}` });
      return;
    }
    report({ id: mutant.id, status, by, tests: executed, ms });
    if (killer) killers.set(mutant.file, [killer, ...recent.filter((each) => each !== killer)].slice(0, 5));
  }
}

/** Null if the test fails without a mutant. */
async function measure(candidate: Candidate): Promise<Measured | null> {
  const failure = await attempt(candidate, -1, Infinity);
  const ids = takeSeen().sort((a, b) => a - b);
  if (failure) {
    left.push(`${candidate.file} > ${candidate.name}: ${failure}`);
    return null;
  }
  const seen: Record<string, number[]> = {};
  for (const id of ids) {
    const file = job.files.findLast(({ firstId }) => firstId <= id);
    if (file) seen[file.path] = [...(seen[file.path] ?? []), id - file.firstId];
  }
  return { ms: candidate.ms, idleMs: candidate.idleMs, calls: mutants.calls, seen };
}

function readBaseline(): Baseline {
  return existsSync(job.baselinePath) ? JSON.parse(readFileSync(job.baselinePath, 'utf8')) : {};
}

/** What an earlier run measured of a test file, if nothing that it imports has changed since. */
function knownOf(baseline: Baseline, file: string, tests: number): (Measured | null)[] | undefined {
  const known = baseline[file];
  if (known?.stamp !== job.stamps[file] || known?.tests.length !== tests) return undefined;
  return job.files.every(({ path }) => known.files.includes(path)) ? known.tests : undefined;
}

/** The nearest and fastest tests first, and before them those that killed the last mutants. */
function inOrder(
  tests: readonly Candidate[],
  near: Record<string, number>,
  recent: readonly Candidate[],
): Candidate[] {
  const rank = (test: Candidate) =>
    (recent.includes(test) ? 0.5 : 1) * (test.ms + 1) * (1 + (near[test.file] ?? 9));
  return [...tests].sort((a, b) => rank(a) - rank(b));
}

async function execute(id: number, tests: readonly Candidate[]) {
  const startedAtMs = performance.now();
  let spentMs = 0;
  let executed = 0;
  let status: Status = 'survived';
  let killer: Candidate | undefined;
  for (const test of tests) {
    if (spentMs > job.budgetMs) break;
    spentMs += test.ms;
    executed++;
    report({ id, status: 'begun' });
    const maxCalls = test.calls * TIMES_CALLS + MORE_CALLS;
    const failure = await attempt(test, id, maxCalls);
    if (!failure) continue;
    killer = test;
    status = failure === 'timeout' ? 'timeout' : 'killed';
    break;
  }
  return { status, killer, executed, ms: Math.round(performance.now() - startedAtMs) };
}

/** Why the test failed with this mutant; nothing if it passed. */
async function attempt(test: Candidate, id: number, maxCalls: number): Promise<string | undefined> {
  mutants.active = id;
  mutants.calls = 0;
  mutants.maxCalls = maxCalls;
  const limitOf = (ms: number) => (id === -1 ? LIMIT_MS : ms * TIMES_MS + MORE_MS);
  const spent = createStopwatch();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    const inspect = () => {
      const { cpuMs, idleMs } = spent();
      if (cpuMs > limitOf(test.ms) || idleMs > limitOf(test.idleMs)) resolve('timeout');
      else timer = realSetTimeout(inspect, INSPECT_MS);
    };
    timer = realSetTimeout(inspect, INSPECT_MS);
  });
  try {
    const failure = await Promise.race([runTest(test.test).then(() => undefined), late]);
    const { cpuMs, idleMs } = spent();
    if (id === -1 && !failure) Object.assign(test, { ms: cpuMs, idleMs });
    return mutants.calls > maxCalls ? 'timeout' : failure;
  } catch (error) {
    if (error instanceof EndlessLoopError || mutants.calls > maxCalls) return 'timeout';
    return String(error).split('\n')[0] ?? 'failed';
  } finally {
    mutants.active = -1;
    mutants.maxCalls = Infinity;
    realClearTimeout(timer);
  }
}

/** What was spent since it was made. */
function createStopwatch(): () => { cpuMs: number; idleMs: number } {
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMs: (user + system) / 1000, idleMs: performance.eventLoopUtilization(loop).idle };
  };
}
