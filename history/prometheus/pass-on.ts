// Queries that a store which is itself Prometheus-compatible answers. It sees everything, so only those of askers without a selector
// come here: see `HistoryStore`.

import { PermanentError } from '../../core/errors.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import type { QueryNode } from '../../core/promql/ast.ts';
import { childrenOf } from '../../core/promql/depth.ts';
import { QueryError } from '../../core/promql/source.ts';
import type { HistoryStore } from '../ports.ts';
import { ALERT_SERIES } from './alert-series.ts';
import { nameTest } from './store-selection.ts';

type Promql = NonNullable<HistoryStore['promql']>;

/** Series that no store has under these names. */
const OWN_SERIES = ['up', ...ALERT_SERIES];

/** Whether a query reads one of them: then it is evaluated here. */
export function readsOwnSeries(node: QueryNode): boolean {
  if (node.kind === 'selector') return OWN_SERIES.some(nameTest(node.matchers));
  return childrenOf(node).some(readsOwnSeries);
}

/** The store's answer as it is. @throws QueryError */
export async function passOn(
  promql: Promql,
  query: {
    query: string;
    startMs: number;
    endMs: number;
    stepMs: number;
    timeoutMs: number;
    lookbackMs?: number | undefined;
    limit: number;
    signal: AbortSignal;
  },
): Promise<Response> {
  const { startMs, endMs, stepMs, timeoutMs, lookbackMs, limit, signal } = query;
  const isInstant = stepMs === 0;
  const times: [string, string][] = isInstant
    ? [['time', secondsOf(startMs)]]
    : [
        ['start', secondsOf(startMs)],
        ['end', secondsOf(endMs)],
        ['step', secondsOf(stepMs)],
      ];
  const parameters: [string, string][] = [['query', query.query], ...times, ['timeout', `${timeoutMs}ms`]];
  if (lookbackMs !== undefined) parameters.push(['lookback_delta', `${lookbackMs}ms`]);
  if (limit !== Infinity) parameters.push(['limit', String(limit)]);
  const { status, body } = await ask(promql, {
    path: isInstant ? 'query' : 'query_range',
    parameters,
    signal,
  });
  return new Response(body, { status, headers: { 'content-type': 'application/json' } });
}

/** Label sets of series, with their names. @throws QueryError */
export async function askSeries(
  promql: Promql,
  {
    matchers,
    startMs,
    endMs,
    signal,
  }: { matchers: readonly Matcher[]; startMs: number; endMs: number; signal: AbortSignal },
): Promise<Labels[]> {
  const selector = matchers.map(({ name, op, value }) => `${labelText(name)}${op}${JSON.stringify(value)}`);
  const parameters: [string, string][] = [
    ['match[]', `{${selector.join(',')}}`],
    ['start', secondsOf(startMs)],
    ['end', secondsOf(endMs)],
  ];
  const { status, body } = await ask(promql, { path: 'series', parameters, signal });
  const answer = JSON.parse(body) as { data?: Labels[]; error?: string };
  if (status >= 400 || !answer.data)
    throw new QueryError('execution', String(answer.error ?? 'the store names no series'));
  return answer.data;
}

/** In quotes only where it must be: older servers know none. */
function labelText(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

async function ask(promql: Promql, request: Parameters<Promql>[0]) {
  try {
    return await promql(request);
  } catch (error) {
    if (request.signal.aborted)
      throw new QueryError('timeout', 'the store took too long: ask for fewer series, or a shorter time');
    if (error instanceof PermanentError) throw new QueryError('execution', error.message);
    throw error;
  }
}

function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(3);
}
