// Runs the real helm of test/kube on the chart, without the user's settings.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { scaledMs } from '../../test/machine-speed.ts';

export const CHART = join(import.meta.dirname, 'bartizan');
export const EXAMPLES = join(import.meta.dirname, 'examples');
/** The configuration that goes with the examples. */
export const CONFIG = join(EXAMPLES, 'bartizan.yaml');

const ENDS_WITHIN_MS = 60_000;

export interface Outcome {
  code: number | null;
  out: string;
  /** What it wrote to its error output. */
  err: string;
}

/** `home`: an empty folder for what helm and kubectl keep. */
export function runProgram(program: string, args: readonly string[], home: string): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: '', HOME: home },
    timeout: scaledMs(ENDS_WITHIN_MS),
  });
  if (error !== undefined) throw error;
  return { code: status, out: stdout, err: stderr };
}
