import { type EvaluateOptions, evaluate } from './evaluate.ts';
import { formatLabels } from './label-sets.ts';
import { compileMatchers } from './matchers.ts';
import { parseMetricSelector, parseQuery } from './parse.ts';
import type { QueryValue } from './result.ts';
import type { ColumnSeries, SeriesSource } from './source.ts';

export const MINUTE_MS = 60_000;

/**
 * Series as `name{labels}` → values, one a minute from minute 0 on: `95x6` is seven samples, `1+2x3` is `1 3 5 7`, `_` is
 * a minute without a sample.
 */
export type Data = Readonly<Record<string, string>>;

export function sourceOf(data: Data): SeriesSource {
  const all = Object.entries(data).map(([name, values]) => columnsOf(name, values));
  return {
    select({ matchers, fromMs, toMs }) {
      const matches = compileMatchers(matchers);
      const found = all.flatMap(({ labels, times, values }) => {
        const from = times.findIndex((timeMs) => timeMs >= fromMs);
        const to = times.findLastIndex((timeMs) => timeMs <= toMs) + 1;
        const isFound = matches(labels) && from >= 0 && to > from;
        return isFound ? [{ labels, times: times.slice(from, to), values: values.slice(from, to) }] : [];
      });
      return Promise.resolve(found);
    },
  };
}

function columnsOf(name: string, text: string): ColumnSeries {
  const labels = Object.fromEntries(
    parseMetricSelector(name).map((matcher) => [matcher.name, matcher.value]),
  );
  const points: [timeMs: number, value: number][] = [];
  let minute = 0;
  for (const item of text.split(' ')) {
    const [, first = '', slope = '0', times = '0'] =
      /^([^x]*?)(?:(\+[\d.]+|-[\d.]+)?x(\d+))?$/.exec(item) ?? [];
    for (let i = 0; i <= Number(times); i++) {
      if (first !== '_') points.push([minute * MINUTE_MS, Number(first) + i * Number(slope)]);
      minute++;
    }
  }
  return {
    labels,
    times: Float64Array.from(points, ([timeMs]) => timeMs),
    values: Float64Array.from(points, ([, value]) => value),
  };
}

type More = Partial<Omit<EvaluateOptions, 'startMs' | 'endMs' | 'stepMs'>>;

/** The answer at one minute, a line for each series: `name{labels} value`. */
export async function instant(text: string, data: Data, minute = 0, more: More = {}): Promise<string[]> {
  const timeMs = minute * MINUTE_MS;
  const options = { source: sourceOf(data), startMs: timeMs, endMs: timeMs, stepMs: 0, text, ...more };
  return linesOf((await evaluate(parseQuery(text), options)).value);
}

/** The answer at each minute of [`from`, `to`], a line for each series: `name{labels} 1 _ 2`. */
export async function range(
  text: string,
  data: Data,
  [from, to]: readonly [number, number],
  more: More = {},
): Promise<string[]> {
  const [startMs, endMs] = [from * MINUTE_MS, to * MINUTE_MS];
  const options = { source: sourceOf(data), startMs, endMs, stepMs: MINUTE_MS, text, ...more };
  const { value } = await evaluate(parseQuery(text), options);
  if (value.type !== 'matrix') throw new Error(`a range query answers with a ${value.type}`);
  return value.series.map(({ labels, times, values }) => {
    const steps = Array.from({ length: to - from + 1 }, (_, i) => {
      const at = times.indexOf(startMs + i * MINUTE_MS);
      return at < 0 ? '_' : String(values[at]);
    });
    return `${formatLabels(labels)} ${steps.join(' ')}`;
  });
}

function linesOf(value: QueryValue): string[] {
  switch (value.type) {
    case 'scalar':
    case 'string':
      return [String(value.value)];
    case 'vector':
      return value.samples.map((sample) => `${formatLabels(sample.labels)} ${sample.value}`);
    case 'matrix':
      return value.series.map(({ labels, times, values }) => {
        const points = Array.from(times, (timeMs, i) => `${values[i]}@${timeMs / MINUTE_MS}`);
        return `${formatLabels(labels)} ${points.join(' ')}`;
      });
  }
}
