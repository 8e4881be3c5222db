// `npm run bench` measures the goals of the design against named contenders, prints tables, writes JSON.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeError } from '../../core/errors.ts';
import { benchApi } from './api.ts';
import type { Benchmark } from './benchmark.ts';
import { benchBurst } from './burst.ts';
import { benchChart } from './chart.ts';
import { benchControlPlane } from './control-plane.ts';
import { benchEvaluate } from './evaluate.ts';
import { benchFunctions } from './functions.ts';
import { benchLatency } from './latency.ts';
import { benchMemory } from './memory.ts';
import { benchPromql } from './promql.ts';
import { benchQueries } from './queries.ts';
import { type BenchmarkReport, benchmarkText, type Report, reportMarkdown, verdictOf } from './report.ts';
import { benchRound } from './round.ts';
import { benchSsh } from './ssh.ts';
import { benchStore } from './store.ts';

const PARTS: Readonly<Record<string, Benchmark>> = {
  ssh: benchSsh,
  round: benchRound,
  'control-plane': benchControlPlane,
  chart: benchChart,
  store: benchStore,
  evaluate: benchEvaluate,
  latency: benchLatency,
  burst: benchBurst,
  functions: benchFunctions,
  promql: benchPromql,
  api: benchApi,
  queries: benchQueries,
  memory: benchMemory,
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'out/bench');
const tools = join(folder, 'tools');
const FIGURES = join(root, 'docs/figures.md');
const [BEGIN, END] = ['<!-- begin of the run -->', '<!-- end of the run -->'];

const USAGE = `npm run bench -- [options]
  --quick          less work: under five minutes
  --only PARTS     some of ${Object.keys(PARTS).join(', ')}, separated by commas
  --json FILE      default out/bench.json
  --figures        writes the results into docs/figures.md; only after a full run of all parts
`;

function machine(): string {
  const [first] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} cores ${first?.model ?? ''}, ${gigabytes} GB, Linux ${release().split('-')[0]}, Node ${process.version}`;
}

async function runBenchmark(name: string, part: Benchmark, quick: boolean): Promise<BenchmarkReport> {
  const dir = join(folder, name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const log = (text: string) => process.stderr.write(`${name} ${text}\n`);
  try {
    return await part({ dir, tools, quick, log });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function writeFigures(report: Report): void {
  const text = readFileSync(FIGURES, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${FIGURES} lacks its marks`);
  const before = text.slice(0, begin + BEGIN.length);
  writeFileSync(FIGURES, `${before}\n\n${reportMarkdown(report)}\n\n${text.slice(end)}`);
}

async function main(): Promise<void> {
  const { values: args } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: Object.keys(PARTS).join(',') },
      json: { type: 'string', default: join(root, 'out/bench.json') },
      figures: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (args.help) return void process.stdout.write(USAGE);
  const names = args.only.split(',');
  const unknown = names.find((name) => !PARTS[name]);
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}\n${USAGE}`);
  if (args.figures && (args.quick || names.length < Object.keys(PARTS).length))
    throw new Error('--figures needs a full run of all parts: leave --quick and --only out');
  mkdirSync(tools, { recursive: true });
  const report = {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    size: args.quick ? 'quick' : 'full',
    loadAtStart: loadavg()[0] ?? 0,
    parts: [] as BenchmarkReport[],
  } as const;
  for (const name of names) {
    const part = await runBenchmark(name, PARTS[name] as Benchmark, args.quick);
    process.stdout.write(benchmarkText(part));
    report.parts.push(part);
  }
  mkdirSync(dirname(args.json), { recursive: true });
  const goals = report.parts.flatMap((part) => part.goals);
  const evaluated = goals.map((goal) => ({ ...goal, verdict: verdictOf(goal) }));
  writeFileSync(args.json, `${JSON.stringify({ ...report, goals: evaluated }, null, 2)}\n`);
  if (args.figures) writeFigures(report);
  const count = (verdict: string) => evaluated.filter((goal) => goal.verdict === verdict).length;
  const sizes = args.quick ? '; the goals are for a full run' : '';
  process.stdout.write(
    `\n${count('held')} goals held, ${count('missed')} missed, ${count('not measured')} not measured${sizes}; ${args.json}\n`,
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${describeError(error)}\n`);
  process.exitCode = 1;
}
