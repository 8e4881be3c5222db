// Processes whose CPU is known exactly, their descendants included.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Job {
  argv: readonly string[];
  /** Files. */
  stdin?: string;
  stdout?: string;
}

export interface MeasuredOptions {
  jobs: readonly Job[];
  /** Jobs at once. */
  parallel?: number;
  /** Runs beside the jobs, which wait until the file `ready` is there. */
  before?: readonly string[];
  ready?: string;
  /** The time stops when this picture is complete, whatever still runs. */
  png?: string;
  /** Watches memory too, which costs time: not for a run whose time counts. */
  memory?: boolean;
}

export interface Measured {
  wallMs: number;
  /** User and system time of all descendants. */
  cpuMs: number;
  /** Of all descendants together, shared pages counted once; 0 unless it was watched. */
  peakMb: number;
}

const LIMIT_S = 300;
const program = fileURLToPath(new URL('measure.py', import.meta.url));

/** @throws when a job cannot be started, fails, or all of them take longer than five minutes */
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

/** Where bin/bartizan.ts keeps what was compiled: what runs here starts as fast as that. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/bartizan', import.meta.url));

/** A file of this folder as a command of this Node. */
export const nodeJob = (file: string, ...args: string[]): readonly string[] => [
  'env',
  `NODE_COMPILE_CACHE=${COMPILED}`,
  process.execPath,
  fileURLToPath(new URL(file, import.meta.url)),
  ...args,
];
