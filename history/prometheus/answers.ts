// Answers in the JSON of Prometheus' API. A large one is written piece by piece.

import type { Labels } from '../../core/model/labels.ts';
import type { QueryResult, QueryValue } from '../../core/promql/result.ts';
import { QueryError } from '../../core/promql/source.ts';
import { MOST_ANSWER_BYTES, TOO_LARGE } from '../answer.ts';
import { refuse } from '../interfaces.ts';
import { formatValue } from './numbers.ts';
import { pause } from './pause.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const CHUNK_LENGTH = 64 * 1024;
const PAUSE_BYTES = 1024 ** 2;

interface AnswerLimits {
  /** How many series. */
  limit?: number;
  mostBytes?: number;
  signal?: AbortSignal;
}

/** An answer whose data is small. */
export function answer(data: unknown, warnings: readonly string[] = []): Response {
  return Response.json({ status: 'success', data, ...(warnings.length > 0 && { warnings }) });
}

/** The result of a query, at most so many series of it. */
export async function resultAnswer(
  { value, warnings, infos }: QueryResult,
  { limit = Infinity, mostBytes = MOST_ANSWER_BYTES, signal }: AnswerLimits = {},
): Promise<Response> {
  const isCut = countOf(value) > limit;
  const notes = {
    ...((isCut || warnings.length > 0) && {
      warnings: [...warnings, ...(isCut ? [TRUNCATED] : [])],
    }),
    ...(infos.length > 0 && { infos }),
  };
  const end = JSON.stringify(notes).slice(1);
  const pieces = () => bodyOf(value, limit, end === '}' ? end : `,${end}`);
  if (mayExceed(value, mostBytes) && (await exceeds(pieces(), mostBytes, signal)))
    return refuse('prometheus', TOO_LARGE);
  return new Response(streamOf(pieces()), { headers: JSON_TYPE });
}

/** About the longest: `[-8640000000000.001,"-1.2345678901234567e-308"],`. */
const BYTES_OF_POINT = 50;
/** More than the labels of most. */
const BYTES_OF_SERIES = 1000;

function mayExceed(value: QueryValue, mostBytes: number): boolean {
  if (value.type === 'vector') return value.samples.length * BYTES_OF_SERIES > mostBytes;
  if (value.type !== 'matrix') return false;
  const points = value.series.reduce((sum, { times }) => sum + times.length, 0);
  return points * BYTES_OF_POINT + value.series.length * BYTES_OF_SERIES > mostBytes;
}

/** Counted before the first piece is sent: what breaks off later gives its reader no reason. @throws QueryError */
async function exceeds(
  pieces: Iterable<string>,
  mostBytes: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let bytes = 0;
  let pausedAt = 0;
  for (const piece of pieces) {
    bytes += Buffer.byteLength(piece);
    if (bytes > mostBytes) return true;
    if (bytes - pausedAt < PAUSE_BYTES) continue;
    pausedAt = bytes;
    await pause();
    if (signal?.aborted)
      throw new QueryError('timeout', 'the query took too long: ask for fewer series, or a shorter time');
  }
  return false;
}

export const TRUNCATED = 'results truncated due to limit';

function countOf(value: QueryValue): number {
  return value.type === 'vector' ? value.samples.length : value.type === 'matrix' ? value.series.length : 1;
}

function* bodyOf(value: QueryValue, limit: number, end: string): Generator<string> {
  yield `{"status":"success","data":{"resultType":"${value.type}","result":`;
  switch (value.type) {
    case 'scalar':
      yield `[${value.timeMs / 1000},"${formatValue(value.value)}"]`;
      break;
    case 'string':
      yield `[${value.timeMs / 1000},${JSON.stringify(value.value)}]`;
      break;
    case 'vector': {
      const time = String(value.timeMs / 1000);
      for (const [i, sample] of value.samples.entries()) {
        if (i >= limit) break;
        yield `${i === 0 ? '[' : ','}{"metric":${metricOf(sample.labels)},"value":[${time},"${formatValue(sample.value)}"]}`;
      }
      yield value.samples.length === 0 || limit === 0 ? '[]' : ']';
      break;
    }
    case 'matrix': {
      const times = new Map<number, string>();
      for (const [i, { labels, ...columns }] of value.series.entries()) {
        if (i >= limit) break;
        yield `${i === 0 ? '[' : ','}{"metric":${metricOf(labels)},"values":${pointsOf(columns, times)}}`;
      }
      yield value.series.length === 0 || limit === 0 ? '[]' : ']';
    }
  }
  yield `}${end}`;
}

function metricOf(labels: Labels): string {
  return JSON.stringify(labels);
}

/** The series of a range query have the same times: each is written once. */
function pointsOf(
  { times, values }: { times: Float64Array; values: Float64Array },
  known: Map<number, string>,
): string {
  let text = '';
  for (let i = 0; i < times.length; i++) {
    const timeMs = times[i] as number;
    let time = known.get(timeMs);
    if (time === undefined) {
      time = `[${timeMs / 1000},"`;
      if (known.size < 20_000) known.set(timeMs, time);
    }
    text += `${i === 0 ? '[' : ','}${time}${formatValue(values[i] as number)}"]`;
  }
  return `${text || '['}]`;
}

function streamOf(pieces: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      let chunk = '';
      while (chunk.length < CHUNK_LENGTH) {
        const { value, done } = pieces.next();
        if (done) {
          if (chunk !== '') controller.enqueue(encoder.encode(chunk));
          controller.close();
          return;
        }
        chunk += value;
      }
      controller.enqueue(encoder.encode(chunk));
    },
  });
}
