// Queries that a store which is itself Prometheus-compatible answers. It sees everything, so only those of askers without a selector
// come here: see `HistoryStore`.

import { PermanentError } from '../../core/errors.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import type { QueryNode } from '../../core/promql/ast.ts';
import { childrenOf } from '../../core/promql/depth.ts';
import { METRIC_NAME } from '../../core/promql/label-sets.ts';
import { alternativesOf } from '../../core/promql/matchers.ts';
import { QueryError } from '../../core/promql/source.ts';
import type { HistoryStore } from '../ports.ts';
import { ALERT_SERIES } from './alert-series.ts';
import { TRUNCATED } from './answers.ts';
import { SERIES } from './series-source.ts';
import { nameTest } from './store-selection.ts';

type Promql = NonNullable<HistoryStore['promql']>;

/** Series that no store has under these names. */
const OWN_SERIES = ['up', ...ALERT_SERIES];

/** Whether a query reads one of them: then it is evaluated here. */
export function readsOwnSeries(node: QueryNode): boolean {
  if (node.kind === 'selector') return OWN_SERIES.some(nameTest(node.matchers));
  return childrenOf(node).some(readsOwnSeries);
}

/** A warning with what is evaluated here although its store has series of others. */
export const OWN_SERIES_ALONE =
  'the query reads `up` or `ALERTS`, so that it sees the series of Bartizan alone, and no others of its store';

/** Whether it has a selector that also matches series that are not ours. */
export function mayReadOthers(node: QueryNode): boolean {
  if (node.kind === 'selector') return !node.matchers.some(namesOurs);
  return childrenOf(node).some(mayReadOthers);
}

function namesOurs({ name, op, value }: Matcher): boolean {
  if (name !== METRIC_NAME) return false;
  return (op === '=' && areOurs([value])) || (op === '=~' && areOurs(alternativesOf(value)));
}

function areOurs(names: readonly string[] | undefined): boolean {
  return names?.every((name) => SERIES.has(name) || ALERT_SERIES.includes(name)) ?? false;
}

/** Seconds of the years 1677 to 2262: servers count nanoseconds, and turn later times into wrong ones. */
const MOST_MS = 9_223_372_036_000;

/** The store's answer as it is, but for series beyond the limit: not all servers know that. @throws QueryError */
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
  if (Math.max(Math.abs(startMs), Math.abs(endMs)) > MOST_MS)
    throw new QueryError('bad_data', 'the store knows no times before the year 1678 or after 2261');
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
  const limited = status < 300 && limit !== Infinity ? cutAnswer(body, limit) : body;
  return new Response(limited, { status, headers: { 'content-type': 'application/json' } });
}

function cutAnswer(body: string, limit: number): string {
  const answer = JSON.parse(body) as {
    data: { resultType: string; result: unknown[] };
    warnings?: string[];
  };
  const { resultType, result } = answer.data;
  if (!['vector', 'matrix'].includes(resultType) || result.length <= limit) return body;
  answer.data.result = result.slice(0, limit);
  answer.warnings = [...(answer.warnings ?? []), TRUNCATED];
  return JSON.stringify(answer);
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
