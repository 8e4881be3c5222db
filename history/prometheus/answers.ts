// Answers in the JSON of Prometheus' API. A large one is written piece by piece.

import type { Labels } from '../../core/model/labels.ts';
import type { QueryResult, QueryValue } from '../../core/promql/result.ts';
import { formatValue } from './numbers.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const CHUNK_LENGTH = 64 * 1024;

/** An answer whose data is small. */
export function answer(data: unknown, warnings: readonly string[] = []): Response {
  return Response.json({ status: 'success', data, ...(warnings.length > 0 && { warnings }) });
}

/** The result of a query, at most so many series of it. */
export function resultAnswer({ value, warnings, infos }: QueryResult, limit = Infinity): Response {
  const isCut = countOf(value) > limit;
  const notes = {
    ...((isCut || warnings.length > 0) && {
      warnings: [...warnings, ...(isCut ? [TRUNCATED] : [])],
    }),
    ...(infos.length > 0 && { infos }),
  };
  const end = JSON.stringify(notes).slice(1);
  return new Response(streamOf(bodyOf(value, limit, end === '}' ? end : `,${end}`)), { headers: JSON_TYPE });
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
