// What the evaluation of one query shares: its source, its bounds, and what it has to report.

import type { Span } from './ast.ts';
import { positionOf } from './positions.ts';
import { QueryError, type SeriesSource } from './source.ts';

export const DEFAULT_LOOKBACK_MS = 5 * 60_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
const DEFAULT_MAX_SAMPLES = 20_000_000;
/** A few milliseconds of work. */
const WORK_BETWEEN_PAUSES = 500_000;

export interface EvaluateOptions {
  source: SeriesSource;
  /** An instant query has `startMs` = `endMs` and `stepMs` 0, and answers with the type of its expression; a range query answers with a matrix. */
  startMs: number;
  endMs: number;
  stepMs: number;
  /** How old the value of a series may be. Default 5 minutes. */
  lookbackMs?: number;
  /** The step of subqueries that name none. Default 1 minute. */
  subqueryStepMs?: number;
  /** Most samples that the query may hold in memory at one time; a series that is evaluated counts once a step. Default 20 million, some 200 MB. */
  maxSamples?: number;
  /** The text of the query: warnings then name line and column. */
  text?: string;
  /** Ends the query with a QueryError `timeout`. */
  signal?: AbortSignal;
  /** Lets other work of the process run; called every few milliseconds of computation. Without it `signal` is seen between reads alone. */
  pause?: () => Promise<void>;
}

export interface Evaluation {
  source: SeriesSource;
  /** The range of the whole query, which is what `start()` and `end()` mean in every subquery. */
  startMs: number;
  endMs: number;
  lookbackMs: number;
  subqueryStepMs: number;
  /** How many samples are in memory. Whoever drops what its operands held sets it back. */
  held: number;
  /** Counts samples before they are made. @throws QueryError */
  hold(samples: number): void;
  /** Counts computed samples. True: it is time to `pause`. */
  isPauseDue(work: number): boolean;
  /** @throws QueryError when the query's time is over */
  pause(): Promise<void>;
  warn(text: string, at: Span): void;
  inform(text: string, at: Span): void;
  /** An error that says where in the query it arose: at the innermost expression that it is located at. */
  locate(error: unknown, at: Span): unknown;
  warnings: Set<string>;
  infos: Set<string>;
}

export function createEvaluation(options: EvaluateOptions): Evaluation {
  const { source, startMs, endMs, text, signal, pause, maxSamples = DEFAULT_MAX_SAMPLES } = options;
  let work = 0;
  const located = new WeakSet<QueryError>();
  const checkTime = () => {
    if (signal?.aborted) {
      throw new QueryError(
        'timeout',
        'the query took too long; ask for a shorter range, a longer step or fewer series',
      );
    }
  };
  const positioned = (message: string, { from }: Span) =>
    text === undefined ? message : `${message} (${positionOf(text, from)})`;
  const evaluation: Evaluation = {
    source,
    startMs,
    endMs,
    lookbackMs: options.lookbackMs ?? DEFAULT_LOOKBACK_MS,
    subqueryStepMs: options.subqueryStepMs ?? DEFAULT_SUBQUERY_STEP_MS,
    held: 0,
    warnings: new Set(),
    infos: new Set(),
    hold(samples) {
      evaluation.held += samples;
      if (evaluation.held <= maxSamples) return;
      throw new QueryError(
        'limit',
        `the query needs more than ${maxSamples} samples in memory; ask for a shorter range, a longer step or fewer series`,
      );
    },
    isPauseDue(done) {
      work += done;
      return work >= WORK_BETWEEN_PAUSES;
    },
    async pause() {
      work = 0;
      await pause?.();
      checkTime();
    },
    locate(error, { from }) {
      const isBare = error instanceof QueryError && error.type === 'execution' && !located.has(error);
      if (!isBare || text === undefined) return error;
      const found = new QueryError(error.type, `${positionOf(text, from)}: ${error.message}`);
      located.add(found);
      return found;
    },
    warn: (message, at) => evaluation.warnings.add(positioned(`PromQL warning: ${message}`, at)),
    inform: (message, at) => evaluation.infos.add(positioned(`PromQL info: ${message}`, at)),
  };
  checkTime();
  return evaluation;
}
