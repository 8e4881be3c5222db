// Evaluates the tree of a query with the semantics of Prometheus 3.

import type { QueryNode } from './ast.ts';
import type { QueryResult } from './result.ts';
import { QueryError, type SeriesSource } from './source.ts';

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
  /** Most samples that the query may hold in memory at one time, those that it computes included. Default 50 million. */
  maxSamples?: number;
  /** Ends the query with a QueryError `timeout`. */
  signal?: AbortSignal;
  /** Lets other work of the process run; called every few milliseconds of computation. Without it `signal` is seen between reads alone. */
  pause?: () => Promise<void>;
}

/** @throws QueryError */
export function evaluate(tree: QueryNode, { startMs }: EvaluateOptions): Promise<QueryResult> {
  if (tree.kind === 'number') {
    const value = { type: 'scalar', timeMs: startMs, value: tree.value } as const;
    return Promise.resolve({ value, warnings: [], infos: [] });
  }
  return Promise.reject(new QueryError('execution', `a ${tree.kind} cannot be evaluated yet`));
}
