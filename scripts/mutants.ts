// Changes the code in small ways, and lists the changes that no test notices: `npm run mutants -- --help`.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { instrument, type Mutant } from '../test/mutants/instrument.ts';
import type { Job } from '../test/mutants/job.ts';
import { measure, type Result, runJob, splitJob } from '../test/mutants/process.ts';
import {
  classify,
  countKinds,
  identify,
  keyOf,
  LIVES,
  rateOf,
  readEquivalents,
  survivors,
  table,
} from '../test/mutants/report.ts';
import { SCOPE, sourcesIn, stampsOf, testsReaching } from '../test/mutants/scope.ts';

const HELP = `npm run mutants -- [options]
  --files GLOB   only these files (may be repeated)
  --tests GLOB   only these tests (may be repeated)
  --limit N      a random sample of N mutants
  --again        the mutants of the last run: those that survived, or were not reached, are executed once more
  --seed N       another sample (1)
  --budget S     seconds of CPU for the tests of each mutant, by their time without it (5)
  --processes N  side by side (2)
  --goal PERCENT exit code 1 below it (85)`;

const { values } = parseArgs({
  options: {
    files: { type: 'string', multiple: true },
    tests: { type: 'string', multiple: true },
    limit: { type: 'string' },
    again: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    budget: { type: 'string', default: '5' },
    processes: { type: 'string', default: '2' },
    goal: { type: 'string', default: '85' },
    help: { type: 'boolean', default: false },
  },
});

/** The folder of the jobs, their results and the report. */
const FOLDER = 'out/mutants';
const RESULTS = join(FOLDER, 'results.json');
/** The times and coverage of the tests, over runs. */
const CACHE = 'node_modules/.cache/mutants';
const EQUIVALENTS = 'test/mutants/equivalent.txt';

if (values.help) {
  process.stdout.write(`${HELP}\n`);
} else {
  process.exitCode = (await main()) ? 0 : 1;
}

async function main(): Promise<boolean> {
  // The processes under this one end with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const startedAtMs = Date.now();
  const before: (Mutant & Result & { name: string })[] =
    values.again && existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : [];
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const files: { path: string; firstId: number }[] = [];
  const generated: Mutant[] = [];
  for (const path of sourcesIn(values.files ?? SCOPE)) {
    files.push({ path, firstId: generated.length });
    generated.push(...instrument(path, readFileSync(path, 'utf8'), generated.length).mutants);
  }
  const earlier = new Map(before.map((one) => [one.name, one]));
  const names = identify(generated);
  const nameOf = ({ id }: Mutant) => names[id] ?? '';
  const chosen = values.again
    ? generated.filter((mutant) => earlier.has(nameOf(mutant)))
    : sample(generated, Number(values.limit ?? Infinity), Number(values.seed));
  print(`${chosen.length} of ${generated.length} mutants in ${files.length} files`);
  const equivalents = readEquivalents(existsSync(EQUIVALENTS) ? readFileSync(EQUIVALENTS, 'utf8') : '');
  const results = new Map<number, Result>();
  for (const mutant of chosen) {
    const result = earlier.get(nameOf(mutant));
    if (result?.status && (!LIVES.has(result.status) || equivalents.has(keyOf(mutant))))
      results.set(mutant.id, resultOf(result));
  }
  const jobs: Job[] = [];
  const open = chosen.filter(({ id }) => !results.has(id));
  for (const job of jobsOf(files, open)) {
    const parts = splitJob(job, Number(values.processes));
    // Several processes share what one has measured.
    if (parts.length > 1) await measure(job, FOLDER, print);
    jobs.push(...parts);
  }
  const worker = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) await runJob(job, FOLDER, onResult, print);
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, worker));

  /** A run that is stopped goes on with `--again`. */
  function save(): void {
    const lines = chosen.map((mutant) => ({
      name: nameOf(mutant),
      ...mutant,
      ...results.get(mutant.id),
    }));
    writeFileSync(RESULTS, JSON.stringify(lines));
  }

  function onResult(id: number, result: Result): void {
    results.set(id, result);
    if (results.size % 10 === 0) save();
    if (results.size % 100 === 0) print(`${results.size} of ${chosen.length}`);
  }

  const classified = classify(chosen, results, equivalents);
  const text = [
    survivors(classified),
    table(classified, (file) => file),
    table(classified, (file) => dirname(file)),
    `${chosen.length} of ${generated.length} mutants in ${Math.round((Date.now() - startedAtMs) / 1000)} s`,
  ].join('\n\n');
  writeFileSync(join(FOLDER, 'report.txt'), `${text}\n`);
  save();
  process.stdout.write(`${text}\n`);
  return rateOf(countKinds(classified)) * 100 >= Number(values.goal);
}

/** One job for each top folder. */
function jobsOf(files: Job['files'], chosen: readonly Mutant[]): Job[] {
  const near = testsReaching(
    files.map(({ path }) => path),
    values.tests ?? ['**/*.test.ts'],
  );
  return [...Map.groupBy(chosen, ({ file }) => file.split('/')[0] ?? '')].map(([folder, mutants]) => {
    const paths = new Set(mutants.map(({ file }) => file));
    return {
      files: files.filter(({ path }) => paths.has(path)),
      near: Object.fromEntries([...paths].map((path) => [path, Object.fromEntries(near.get(path) ?? [])])),
      mutants: mutants.map(({ id, file }) => ({ id, file })),
      stamps: stampsOf([...paths].flatMap((path) => [...(near.get(path)?.keys() ?? [])])),
      budgetMs: Number(values.budget) * 1000,
      baselinePath: join(CACHE, `${folder}.json`),
      resultsPath: '',
    };
  });
}

/** `count` random ones, in their order. */
function sample(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  let state = seed;
  const chance = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
  const ranked = mutants.map((mutant) => ({ mutant, rank: chance() })).sort((a, b) => a.rank - b.rank);
  return ranked
    .slice(0, count)
    .map(({ mutant }) => mutant)
    .sort((a, b) => a.id - b.id);
}

function resultOf({ status, by, tests, ms }: Result): Result {
  return { status, by, tests, ms };
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
