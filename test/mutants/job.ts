import { readFileSync } from 'node:fs';

/** What one process of vitest does: files to instrument, tests to load, mutants to execute in this order. */
export interface Job {
  files: { path: string; firstId: number }[];
  /** Test files, by their distance from each file. */
  near: Record<string, Record<string, number>>;
  mutants: { id: number; file: string }[];
  /** Without: the tests are measured, no mutant is executed. */
  isMeasured: boolean;
  /** Tests are executed until this much of their unmutated time is spent, in milliseconds. */
  budgetMs: number;
  /** Times and coverage of the tests without a mutant; written by the first process, read by those after it. */
  baselinePath: string;
  /** Lines of JSON are appended here: `Outcome`. */
  resultsPath: string;
}

export type Status = 'killed' | 'survived' | 'timeout' | 'uncovered' | 'static';

export type Outcome =
  | { id: number; status: Status; by?: string; tests?: number; ms?: number }
  /** Begun; the last line of a process that hangs. */
  | { id: number; status: 'begun' }
  /** Afterwards the test failed without the mutant too: it is tried again in a new process. */
  | { id: number; status: 'spoilt'; by: string }
  | { status: 'ready'; tests: number; left: string[]; ms: number };

export const JOB_VARIABLE = 'MUTANTS_JOB';

export function readJob(): Job {
  return JSON.parse(readFileSync(process.env[JOB_VARIABLE] ?? '', 'utf8')) as Job;
}
