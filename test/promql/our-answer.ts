// Our answer to a query of the proof, in the form of the engine's.
import { evaluate } from '../../core/promql/evaluate.ts';
import { compileMatchers } from '../../core/promql/matchers.ts';
import { parseQuery } from '../../core/promql/parse.ts';
import type { QueryValue } from '../../core/promql/result.ts';
import { type ColumnSeries, QueryError, type SeriesSource } from '../../core/promql/source.ts';
import type { Answer, AnswerSeries, ReferenceQuery } from './reference.ts';
import { goFloat, type Samples } from './samples.ts';

/** What of the samples a query reads, sorted by labels as the engine's storage sorts them. */
export function sourceOf(samples: readonly Samples[]): SeriesSource {
  return {
    select({ matchers, fromMs, toMs }) {
      const matches = compileMatchers(matchers);
      const selected = samples.flatMap(({ labels, times, values }): ColumnSeries[] => {
        if (!matches(labels)) return [];
        const inside = times.map((timeMs) => fromMs <= timeMs && timeMs <= toMs);
        if (!inside.includes(true)) return [];
        const keep = (_: number, i: number) => inside[i] === true;
        return [
          {
            labels,
            times: Float64Array.from(times.filter(keep)),
            values: Float64Array.from(values.filter(keep)),
          },
        ];
      });
      return Promise.resolve(selected);
    },
  };
}

/** @throws Error when we fail in another way than by a QueryError */
export async function ourAnswer(
  source: SeriesSource,
  { text, startMs, endMs, stepMs }: ReferenceQuery,
): Promise<Answer> {
  try {
    const { value } = await evaluate(parseQuery(text), { source, startMs, endMs, stepMs });
    return { type: value.type, series: seriesOf(value, startMs, endMs, stepMs) };
  } catch (error) {
    if (!(error instanceof QueryError))
      throw new Error(`${text}: ${(error as Error).message}`, { cause: error });
    return { error: error.message, errorType: error.type };
  }
}

function seriesOf(value: QueryValue, startMs: number, endMs: number, stepMs: number): AnswerSeries[] {
  switch (value.type) {
    case 'scalar':
      return [{ labels: {}, values: goFloat(value.value) }];
    case 'string':
      return [{ labels: {}, values: value.value }];
    case 'vector':
      return value.samples.map((sample) => ({ labels: { ...sample.labels }, values: goFloat(sample.value) }));
    case 'matrix':
      return value.series.map(({ labels, times, values }) =>
        stepMs === 0
          ? { labels: { ...labels }, times: [...times], values: Array.from(values, goFloat).join(' ') }
          : { labels: { ...labels }, values: atSteps(times, values, startMs, endMs, stepMs) },
      );
  }
}

function atSteps(
  times: Float64Array,
  values: Float64Array,
  startMs: number,
  endMs: number,
  stepMs: number,
): string {
  const texts: string[] = [];
  let next = 0;
  for (let timeMs = startMs; timeMs <= endMs; timeMs += stepMs) {
    const has = next < times.length && times[next] === timeMs;
    texts.push(has ? goFloat(values[next++] as number) : '_');
  }
  if (next < times.length) throw new Error(`a point at ${times[next]} is on no step`);
  return texts.join(' ');
}
