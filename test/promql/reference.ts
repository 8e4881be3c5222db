// Prometheus' own query engine: a small Go module that answers queries over the samples that it is given.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  buildModule,
  cacheFolder,
  findBuiltModule,
  type GoModule,
  goVersion,
  unfitGo,
} from '../go-module.ts';
import { differenceOf } from './comparison.ts';
import { goFloat, type Samples } from './samples.ts';

/** A series as the program reads it. */
export interface ReferenceSeries {
  labels: Record<string, string>;
  /** Milliseconds, ascending. */
  times: number[];
  /** Separated by spaces, as JSON has neither NaN nor Inf. */
  values: string;
}

export interface ReferenceQuery {
  text: string;
  startMs: number;
  endMs: number;
  /** 0: an instant query at the start. */
  stepMs: number;
}

export interface Batch {
  series: readonly ReferenceSeries[];
  queries: readonly ReferenceQuery[];
}

export interface AnswerSeries {
  labels: Record<string, string>;
  /** Only of a range vector, whose samples lie on no steps. */
  times?: number[];
  /** A value for each step, `_` where there is none. */
  values: string;
}

/** Either a type, or an error in the engine's words. */
export interface Answer {
  type?: 'scalar' | 'string' | 'vector' | 'matrix';
  series?: AnswerSeries[];
  error?: string;
  errorType?: string;
  /** The engine answers otherwise when it is asked again. */
  isUnstable?: true;
}

export const HOW_TO_BUILD_REFERENCE =
  'install Go 1.26 or later (Debian has an older one), then `npm run promql`: a minute of CPU, once';
const MODULE: GoModule = {
  program: 'promql-reference',
  folder: join(import.meta.dirname, 'reference'),
  how: HOW_TO_BUILD_REFERENCE,
};
const CACHE = 'promql';
const ANSWERS_WITHIN_MS = 600_000;
const TIMES_ASKED = 12;
const MOST_BYTES = 1 << 30;

/** Why the engine cannot run here; undefined: it is built. */
export function missingReference(): string | undefined {
  if (findBuiltModule(MODULE, cacheFolder(CACHE)) !== undefined) return undefined;
  const unfit = unfitGo(goVersion());
  return `${MODULE.program} not built${unfit ? `, and ${unfit}` : ''}`;
}

/** @throws Error in words when Go is missing or older, or the build fails */
export const buildReference = (report: (text: string) => void): string =>
  buildModule(MODULE, cacheFolder(CACHE), report);

/**
 * Answers in the order of the queries. The engine keeps series of a range query in a Go map, whose order is random: of equal values
 * `topk` takes any, and last bits of a sum are those of any order. So it is asked several times.
 * @throws Error when the program is not built, or fails
 */
export function askReference(batch: Batch, times = TIMES_ASKED): Answer[] {
  const [first = [], ...others] = Array.from({ length: times }, () => askOnce(batch));
  return first.map((answer, i) => {
    const query = batch.queries[i] as ReferenceQuery;
    const isStable = others.every((other) => areSame(query, answer, other[i] as Answer));
    return isStable ? answer : { ...answer, isUnstable: true };
  });
}

const areSame = (query: ReferenceQuery, a: Answer, b: Answer) => differenceOf(query, a, b) === undefined;

/** @throws Error when the program is not built, or fails */
function askOnce({ series, queries }: Batch): Answer[] {
  const program = findBuiltModule(MODULE, cacheFolder(CACHE));
  if (program === undefined) throw new Error(`${MODULE.program} is not built: ${HOW_TO_BUILD_REFERENCE}`);
  const { status, stdout, stderr, error } = spawnSync(program, {
    input: JSON.stringify({ series, queries }),
    encoding: 'utf8',
    timeout: ANSWERS_WITHIN_MS,
    maxBuffer: MOST_BYTES,
  });
  if (status !== 0) throw new Error(`${MODULE.program} failed: ${error?.message ?? stderr}`);
  return JSON.parse(stdout) as Answer[];
}

export const referenceSeries = ({ labels, times, values }: Samples): ReferenceSeries => ({
  labels,
  times,
  values: values.map(goFloat).join(' '),
});
