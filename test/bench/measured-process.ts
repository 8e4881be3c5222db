// Processes whose CPU time is known exactly, with all their descendants.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Job {
  argv: readonly string[];
  /** Paths of files. */
  stdin?: string;
  stdout?: string;
}

export interface MeasuredOptions {
  jobs: readonly Job[];
  /** How many jobs run at the same time. */
  parallel?: number;
  /** Runs beside the jobs, which wait until the file `ready` exists. */
  before?: readonly string[];
  ready?: string;
  /** The time stops when this picture is complete, even if processes still run. */
  png?: string;
  /** Measures memory too. That takes time, so runs whose time counts leave it off. */
  memory?: boolean;
}

export interface Measured {
  wallMs: number;
  /** User and system time of all descendants. */
  cpuMs: number;
  /** The peak of all descendants together, shared pages counted once; 0 when memory was not measured. */
  peakMb: number;
}

const LIMIT_S = 300;
const program = fileURLToPath(new URL('measure.py', import.meta.url));

/** @throws when a job cannot start, when one fails, or when all of them take longer than five minutes */
export async function measureProcesses(options: MeasuredOptions): Promise<Measured> {
  const child = spawn('python3', [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  child.stdin.end(JSON.stringify({ parallel: 1, limitS: LIMIT_S, ...options }));
  const code = await promise;
  if (code !== 0) throw new Error(`measuring failed with code ${code}`);
  const { failed, ...measured } = JSON.parse(text) as Measured & { failed: number };
  if (failed > 0) throw new Error(`${failed} of ${options.jobs.length} processes failed`);
  return measured;
}

/** The compile cache of bin/bartizan.ts, so that these processes start as fast as the product. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/bartizan', import.meta.url));

/** The command that runs a file of this folder with this Node. */
export const nodeJob = (file: string, ...args: string[]): readonly string[] => [
  'env',
  `NODE_COMPILE_CACHE=${COMPILED}`,
  process.execPath,
  fileURLToPath(new URL(file, import.meta.url)),
  ...args,
];
