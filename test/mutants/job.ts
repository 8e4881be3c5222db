import { readFileSync } from 'node:fs';

/** The work of one process of vitest: files to instrument, tests to load, mutants to execute in this order. */
export interface Job {
  files: { path: string; firstId: number }[];
  /** Test files, by their distance from each file. */
  near: Record<string, Record<string, number>>;
  mutants: { id: number; file: string }[];
  /** By test file: a hash of all that it imports. What was measured of it under the same hash still holds. */
  stamps: Record<string, string>;
  /** Tests are executed until they took this much CPU time without a mutant, in milliseconds. */
  budgetMs: number;
  /** The times and coverage of the tests without a mutant, of earlier runs too: `Baseline`. */
  baselinePath: string;
  /** The file to which lines of JSON are appended: `Outcome`. */
  resultsPath: string;
}

/** What a test takes and reaches without a mutant. */
export interface Measured {
  /** CPU time. */
  ms: number;
  /** Time that the event loop waited for timers, files and sockets. */
  idleMs: number;
  /** How often the mutants were asked for. */
  calls: number;
  /** By file: the mutants that were asked for, as numbers within the file. */
  seen: Record<string, number[]>;
}

/** By test file. Null: the test fails without a mutant. `files`: those whose mutants could be seen. */
export type Baseline = Record<
  string,
  { stamp: string; files: readonly string[]; tests: (Measured | null)[] }
>;

export type Status = 'killed' | 'survived' | 'timeout' | 'uncovered' | 'static';

export type Outcome =
  | { id: number; status: Status; by?: string; tests?: number; ms?: number }
  /** A test with the mutant was started; the last line of a process that hangs. */
  | { id: number; status: 'begun' }
  /** The test then also failed without the mutant: it is tried again in a new process. */
  | { id: number; status: 'spoilt'; by: string }
  | { status: 'ready'; tests: number; left: string[]; ms: number };

export const JOB_VARIABLE = 'MUTANTS_JOB';

export function readJob(): Job {
  return JSON.parse(readFileSync(process.env[JOB_VARIABLE] ?? '', 'utf8')) as Job;
}
