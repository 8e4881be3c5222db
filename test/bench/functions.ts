// A cold start of each Lambda function: a Node process reads its bundle. It does not include the time that Lambda adds.
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleFunction } from '../../lib/bundle.ts';
import { machineHere } from '../../lib/native-modules.ts';
import { findProgram } from '../program-path.ts';
import type { BenchOptions } from './benchmark.ts';
import { type Contender, compare, warmUp } from './harness.ts';
import { measureProcesses } from './measured-process.ts';
import { type BenchmarkReport, type Row, rowsOf } from './report.ts';

const STAGES = ['plan', 'probe', 'store', 'evaluate', 'notify', 'deliver', 'history'];
const NODE = 'Node alone';
const ENVIRONMENT = ['env', 'BARTIZAN_BUCKET=files', 'BARTIZAN_TABLE=state'];

export async function benchFunctions({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const sizes: Row[] = [];
  const missing = findProgram('python3') ? undefined : 'apt-get install python3';
  const contenders = [NODE, ...STAGES].map(
    (name): Contender => ({
      name,
      missing,
      async run() {
        const bundle = pathToFileURL(join(dir, name, 'index.mjs')).href;
        const program = name === NODE ? '' : `await import(${JSON.stringify(bundle)})`;
        const argv = [...ENVIRONMENT, process.execPath, '--input-type=module', '-e', program];
        const { wallMs, cpuMs } = await measureProcesses({ jobs: [{ argv }] });
        return { wallMs, cpuMs };
      },
    }),
  );
  for (const stage of STAGES) {
    const outDir = join(dir, stage);
    mkdirSync(outDir);
    bundleFunction({ entry: `functions/${stage}.ts`, outDir, machine: machineHere() });
    const mebibytes = bytesIn(outDir) / 2 ** 20;
    sizes.push({
      what: 'bundle, unpacked',
      contender: stage,
      unit: 'MiB',
      value: { median: mebibytes, low: mebibytes, high: mebibytes, runs: 1 },
    });
  }
  await warmUp(contenders);
  const rounds = quick ? 3 : 9;
  const starts = await compare(contenders, rounds, (name, round) => log(`start ${round + 1}: ${name}`));
  return {
    title: 'Functions: a cold start',
    how: [
      'The time runs from the start of a process until it has the handler of the bundle. The disk cache is warm. Lambda',
      'also fetches the code first, and gives a function a share of a core that grows with its memory.',
    ],
    rows: [
      ...rowsOf(starts, 'wallMs', { what: 'start', unit: 'ms' }),
      ...rowsOf(starts, 'cpuMs', { what: 'CPU of that', unit: 'ms' }),
      ...sizes,
    ],
    goals: [],
    missing: starts.missing,
  };
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}
