// `/api/v1/query` and `/api/v1/query_range`.

import type { QueryNode } from '../../core/promql/ast.ts';
import { evaluate } from '../../core/promql/evaluate.ts';
import { parseQuery } from '../../core/promql/parse.ts';
import { QueryError, type SeriesSource } from '../../core/promql/source.ts';
import type { HistoryPorts } from '../ports.ts';
import { resultAnswer } from './answers.ts';
import { durationOf, limitOf, timeOf } from './parameters.ts';
import { mayReadOthers, OWN_SERIES_ALONE, passOn, readsOwnSeries } from './pass-on.ts';
import { pause } from './pause.ts';
import { createSampleBudget } from './sample-budget.ts';
import { createSeriesSource } from './series-source.ts';

/** As in Prometheus. */
const MAX_POINTS = 11_000;
export const LONGEST_QUERY_MS = 30_000;

export interface Asked {
  parameters: URLSearchParams;
  ports: HistoryPorts;
  /** Aborts when the caller leaves, or `LONGEST_QUERY_MS` are over. */
  signal: AbortSignal;
}

/** @throws QueryError */
export async function answerInstantQuery(asked: Asked): Promise<Response> {
  const timeMs = timeOf(asked.parameters, 'time', asked.ports.clock.nowMs());
  return answerQuery(asked, { startMs: timeMs, endMs: timeMs, stepMs: 0 });
}

/** @throws QueryError */
export async function answerRangeQuery(asked: Asked): Promise<Response> {
  const { parameters } = asked;
  const startMs = timeOf(parameters, 'start');
  const endMs = timeOf(parameters, 'end');
  if (endMs < startMs) throw new QueryError('bad_data', 'invalid parameter "end": it lies before `start`');
  const stepMs = durationOf(parameters, 'step') ?? 0;
  if (stepMs < 1) throw new QueryError('bad_data', 'invalid parameter "step": it must be longer than 0');
  if ((endMs - startMs) / stepMs > MAX_POINTS) {
    const leastS = Math.ceil((endMs - startMs) / MAX_POINTS / 1000);
    throw new QueryError(
      'bad_data',
      `exceeded maximum resolution of 11,000 points per timeseries: use a \`step\` of ${leastS}s or more`,
    );
  }
  return answerQuery(asked, { startMs, endMs, stepMs });
}

async function answerQuery(
  { parameters, ports, signal }: Asked,
  times: { startMs: number; endMs: number; stepMs: number },
): Promise<Response> {
  const timeoutMs = Math.min(durationOf(parameters, 'timeout') ?? Infinity, LONGEST_QUERY_MS);
  const lookbackMs = durationOf(parameters, 'lookback_delta');
  if (lookbackMs === 0)
    throw new QueryError('bad_data', 'invalid parameter "lookback_delta": it must be longer than 0');
  const limit = limitOf(parameters);
  const query = parameters.get('query') ?? '';
  const tree = parse(query);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  if (ports.store.promql && !readsOwnSeries(tree)) {
    return passOn(ports.store.promql, { query, ...times, timeoutMs, lookbackMs, limit, signal: limited });
  }
  const source = await openSource(ports, limited);
  const options = {
    ...times,
    source,
    text: query,
    signal: limited,
    pause,
    ...(lookbackMs && { lookbackMs }),
  };
  const { warnings, ...result } = await evaluate(tree, options);
  const isPartial = ports.store.promql !== undefined && mayReadOthers(tree);
  const notes = isPartial ? [...warnings, OWN_SERIES_ALONE] : warnings;
  return resultAnswer({ ...result, warnings: notes }, { limit, signal: limited });
}

/** What one query reads, within its budget. */
export function openSource(ports: HistoryPorts, signal: AbortSignal): Promise<SeriesSource> {
  return createSeriesSource({ ports, budget: createSampleBudget(signal) });
}

function parse(query: string): QueryNode {
  try {
    return parseQuery(query);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new QueryError(error.type, `invalid parameter "query": ${error.message}`);
  }
}
