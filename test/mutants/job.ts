import { readFileSync } from 'node:fs';

/** The work of one process of vitest: files to instrument, tests to load, mutants to execute in this order. */
export interface Job {
  files: { path: string; firstId: number }[];
  /** Test files, by their distance from each file. */
  near: Record<string, Record<string, number>>;
  mutants: { id: number; file: string }[];
  /** Absent: the tests are measured, and no mutant is executed. */
  isMeasured: boolean;
  /** Tests are executed until they took this much CPU time without a mutant, in milliseconds. */
  budgetMs: number;
  /** The times and coverage of the tests without a mutant; the first process writes them, later ones read them. */
  baselinePath: string;
  /** The file to which lines of JSON are appended: `Outcome`. */
  resultsPath: string;
}

export type Status = 'killed' | 'survived' | 'timeout' | 'uncovered' | 'static';

export type Outcome =
  | { id: number; status: Status; by?: string; tests?: number; ms?: number }
  /** The mutant that was started; the last line of a process that hangs. */
  | { id: number; status: 'begun' }
  /** The test then also failed without the mutant: it is tried again in a new process. */
  | { id: number; status: 'spoilt'; by: string }
  | { status: 'ready'; tests: number; left: string[]; ms: number };

export const JOB_VARIABLE = 'MUTANTS_JOB';

export function readJob(): Job {
  return JSON.parse(readFileSync(process.env[JOB_VARIABLE] ?? '', 'utf8')) as Job;
}
