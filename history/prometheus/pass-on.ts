// Queries that a store which is itself Prometheus-compatible answers. It sees everything, so only those of askers without a selector
// come here: see `HistoryStore`.

import { PermanentError, RetryableError } from '../../core/errors.ts';
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

/** So many characters of an answer say what it is. */
const BEGINNING = 1_000;
const SUCCESS = /^\s*\{\s*"status"\s*:\s*"success"/;
const RESULT_OF_SERIES = /^.*?"resultType"\s*:\s*"(?:vector|matrix)"\s*,\s*"result"\s*:\s*\[/s;

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

/** As text: the values of a large answer would fill the memory. What the store says behind its result is left out of what is cut. */
function cutAnswer(body: string, limit: number): string {
  const start = RESULT_OF_SERIES.exec(body.slice(0, BEGINNING));
  if (!start) return body;
  let depth = 0;
  let found = 0;
  let isText = false;
  for (let at = start[0].length; at < body.length; at++) {
    const character = body[at] as string;
    if (isText) {
      if (character === '\\') at++;
      else isText = character !== '"';
    } else if (character === '"') isText = true;
    else if ('[{'.includes(character)) depth++;
    else if (']}'.includes(character)) depth--;
    else if (character === ',' && depth === 0 && ++found === limit)
      return `${body.slice(0, at)}]},"warnings":${JSON.stringify([TRUNCATED])}}`;
    if (depth < 0) break;
  }
  return body;
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
  if (status >= 400)
    throw new QueryError('execution', String((JSON.parse(body) as { error: unknown }).error));
  const series = seriesIn(body);
  if (!series) throw new RetryableError('the store answered no series where it was asked for them');
  return series;
}

function seriesIn(body: string): Labels[] | undefined {
  try {
    const { data } = JSON.parse(body) as { data: unknown };
    return Array.isArray(data) && data.every(isLabels) ? data : undefined;
  } catch {
    return undefined;
  }
}

function isLabels(value: unknown): value is Labels {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((one) => typeof one === 'string')
  );
}

/** In quotes only where it must be: older servers know none. */
function labelText(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

async function ask(promql: Promql, request: Parameters<Promql>[0]) {
  try {
    const answer = await promql(request);
    // A proxy before it may answer with a page of its own.
    if (answer.status < 300 && !SUCCESS.test(answer.body.slice(0, BEGINNING)))
      throw new RetryableError('the store answered something else than the result of a query');
    return answer;
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
