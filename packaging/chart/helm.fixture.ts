// Runs the real helm of test/kube on the chart, without the user's settings.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { findBuilt, type Program } from '../../test/kube/programs.ts';
import { scaledMs } from '../../test/machine-speed.ts';

export interface KubeObject {
  kind: string;
  metadata: { name: string };
  spec: { template: { metadata: { annotations: Record<string, string> }; spec: object } };
  data: Record<string, string>;
}

interface Outcome {
  code: number | null;
  out: string;
  /** What it wrote to its error output. */
  err: string;
}

export const CHART = join(import.meta.dirname, 'bartizan');
export const EXAMPLES = join(import.meta.dirname, 'examples');
/** The configuration that goes with the examples. */
export const CONFIG = join(EXAMPLES, 'bartizan.yaml');
/** More arguments, as the examples ask for. */
const RELEASES = {
  smallest: ['--set-file', `config=${CONFIG}`],
  confined: [],
  'own-objects': [],
};
export type Example = keyof typeof RELEASES;
export const EXAMPLE_NAMES = Object.keys(RELEASES) as Example[];

const ENDS_WITHIN_MS = 60_000;

/** What helm and kubectl keep, and files of the test. */
export const home = mkdtempSync(join(tmpdir(), 'bartizan-chart-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

export function runProgram(program: Program, args: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(findBuilt(program) as string, args, {
    encoding: 'utf8',
    env: { PATH: '', HOME: home },
    timeout: scaledMs(ENDS_WITHIN_MS),
  });
  if (error !== undefined) throw error;
  return { code: status, out: stdout, err: stderr };
}

/** The same beside what the test does meanwhile. */
export function startProgram(program: Program, args: readonly string[]): Promise<Outcome> {
  const options = { env: { PATH: '', HOME: home }, timeout: scaledMs(ENDS_WITHIN_MS) };
  return new Promise((resolve) => {
    const child = execFile(findBuilt(program) as string, args, options, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });
}

export const helm = (...args: string[]): Outcome => runProgram('helm', args);
export const valuesOf = (example: Example): string[] => [
  '-f',
  join(EXAMPLES, `${example}.yaml`),
  ...RELEASES[example],
];
export const template = (...args: string[]): Outcome =>
  helm('template', 'bartizan', CHART, '-n', 'monitoring', ...args);

export function render(...args: string[]): KubeObject[] {
  const { code, out, err } = template(...args);
  expect([code, err]).toEqual([0, '']);
  return parseAllDocuments(out).map((one) => one.toJS() as KubeObject);
}

export const ofKind = (objects: readonly KubeObject[], kind: string): KubeObject =>
  objects.find((one) => one.kind === kind) as KubeObject;
