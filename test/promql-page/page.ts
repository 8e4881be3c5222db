import type { ValueType } from '../../core/promql/ast.ts';
import {
  AGGREGATIONS,
  type AggregationName,
  FUNCTIONS,
  type FunctionName,
  type FunctionType,
} from '../../core/promql/functions.ts';

const INTRODUCTION = `# The query language

Queries of history ([api.md](api.md)) are written in PromQL, with the semantics of Prometheus 3. Thousands of generated queries are answered as Prometheus' own engine answers them,
to the last bit where arithmetic allows it (\`test/promql/\`). What is not supported is an error that names it, with line and column.

| | |
| --- | --- |
| selectors | \`name{label="value"}\` with \`=\`, \`!=\`, \`=~\`, \`!~\`; regular expressions are RE2 and match the whole value |
| ranges | \`name[5m]\`, and subqueries \`expression[1h:5m]\` |
| modifiers | \`offset 1h\`, also negative, and \`@ 1767225600\`, \`@ start()\`, \`@ end()\` |
| operators | \`+ - * / % ^ atan2\`, \`== != > < >= <=\` with \`bool\`, \`and or unless\`; \`on\`, \`ignoring\`, \`group_left\`, \`group_right\` |
| values | numbers, durations as numbers of seconds, texts in any of three quotes, comments |

A value counts for less than five minutes, and a range is open at its left end: \`[1m]\` of samples that are a minute apart has one.

    max by (cluster) (bartizan_mem_usage_percent)
    bartizan_cpu_usage_percent > 90 and on (cluster, node) bartizan_mem_usage_percent > 90
    predict_linear(bartizan_disk_usage_percent[6h], 86400) >= 100
    quantile_over_time(0.95, bartizan_cpu_usage_percent[1d])
    count by (alertname) (ALERTS{alertstate="firing"})
    max_over_time(sum by (cluster) (up)[1d:5m]) - sum by (cluster) (up)`;

const AGGREGATION_HELP: Readonly<Record<AggregationName, string>> = {
  avg: 'the mean',
  bottomk: 'the `k` series with the smallest values, with all their labels',
  count: 'how many series there are',
  count_values: 'how many series have each value, which becomes a label',
  group: '1',
  max: 'the largest value',
  min: 'the smallest value',
  quantile: 'the value below which that share of the series lies, from 0 to 1',
  stddev: 'the standard deviation',
  stdvar: 'the variance',
  sum: 'the sum',
  topk: 'the `k` series with the largest values, with all their labels',
};

const FUNCTION_HELP: Readonly<Record<FunctionName, string>> = {
  abs: 'without its sign',
  absent: '1 where no series has a value, with the labels that the selector gives',
  absent_over_time: '1 where no series has a sample in the range',
  acos: 'arc cosine',
  acosh: 'inverse hyperbolic cosine',
  asin: 'arc sine',
  asinh: 'inverse hyperbolic sine',
  atan: 'arc tangent',
  atanh: 'inverse hyperbolic tangent',
  avg_over_time: 'the mean of the samples',
  ceil: 'rounded up',
  changes: 'how often the value changed',
  clamp: 'at least the first number, at most the second',
  clamp_max: 'at most the number',
  clamp_min: 'at least the number',
  cos: 'cosine',
  cosh: 'hyperbolic cosine',
  count_over_time: 'how many samples there are',
  day_of_month: '1 to 31, of a time in seconds, in UTC',
  day_of_week: '0, Sunday, to 6',
  day_of_year: '1 to 366',
  days_in_month: '28 to 31',
  deg: 'radians as degrees',
  delta: 'how much a gauge changed, extended to the ends of the range',
  deriv: 'the slope per second, by least squares',
  exp: 'e to the power of the value',
  floor: 'rounded down',
  hour: '0 to 23',
  idelta: 'the difference of the last two samples',
  increase: 'how much a counter grew, resets regarded, extended to the ends of the range',
  irate: 'the growth per second of a counter, from its last two samples',
  label_join: 'sets a label to the values of others, joined by a text: target, text, labels',
  label_replace:
    'sets a label where an expression matches another: target, template with `$1`, label, expression',
  last_over_time: 'the last sample',
  ln: 'natural logarithm',
  log10: 'logarithm to the base 10',
  log2: 'logarithm to the base 2',
  max_over_time: 'the largest sample',
  min_over_time: 'the smallest sample',
  minute: '0 to 59',
  month: '1 to 12',
  pi: 'π',
  predict_linear: 'the value in so many seconds, by least squares',
  present_over_time: '1 where there is a sample',
  quantile_over_time: 'the value below which that share of the samples lies, from 0 to 1',
  rad: 'degrees as radians',
  rate: 'the growth per second of a counter, resets regarded, extended to the ends of the range',
  resets: 'how often a counter fell',
  round: 'rounded to the nearest multiple of the number, else to a whole one',
  scalar: 'the value of the only series; NaN where there are none or several',
  sgn: '-1, 0 or 1',
  sin: 'sine',
  sinh: 'hyperbolic sine',
  sort: 'series by value, smallest first; in instant queries alone',
  sort_desc: 'series by value, largest first; in instant queries alone',
  sqrt: 'square root',
  stddev_over_time: 'the standard deviation of the samples',
  stdvar_over_time: 'the variance of the samples',
  sum_over_time: 'the sum of the samples',
  tan: 'tangent',
  tanh: 'hyperbolic tangent',
  time: 'the time of evaluation, in seconds',
  timestamp: 'when the value was measured, in seconds',
  vector: 'a series without labels',
  year: 'the year',
};

const DIFFERENCES = `## What differs from Prometheus

- Histograms (\`histogram_quantile\` and its relatives) are missing: no check measures any. So are functions that Prometheus calls experimental.
- \`sin\`, \`exp\`, \`ln\`, \`^\` and their relatives may differ in the last digits, as Go computes them in its own way. What depends on such digits differs with them.
- Logarithms of numbers below 2.2e-308 are right; Prometheus' are not on amd64.
- In a range query \`sort\` does nothing, as Prometheus' documentation says; its engine still orders the series by their first values.
- The year or hour of a value that is no time of the years -271,821 to 275,760 is NaN. Prometheus' answer depends on the processor.
- Where Prometheus adds, ranks or spreads *computed* series in a range query, their order is random: its last digits of \`stddev\`, and which of equal series \`topk\` keeps, change from query to query. Ours do not.
- Quantiles of 0 and -0 take -0 for the smaller; Prometheus leaves them in any order.
- \`predict_linear(x[5m:] @ time, y)\` has an answer here, and none in Prometheus.
- A query holds at most 20 million values at a time, a label that it makes has at most 4,096 characters, and an expression of \`label_replace\` has the bounds of matchers.
  Above that the error says what to ask less of.`;

/** The text of docs/promql.md. */
export function promqlPage(): string {
  const aggregations = Object.entries<ValueType | undefined>(AGGREGATIONS).map(([name, parameter]) => [
    `\`${name}(${parameter ? `${ARGUMENT[parameter]}, ` : ''}vector)\``,
    AGGREGATION_HELP[name as AggregationName],
  ]);
  const functions = Object.entries<FunctionType>(FUNCTIONS).map(([name, type]) => [
    `\`${name}(${argumentsOf(type)})\``,
    FUNCTION_HELP[name as FunctionName],
  ]);
  return `${[
    INTRODUCTION,
    '## Aggregations\n\nOver all series, or over those of a group: `by (labels)`, `without (labels)`.',
    table('aggregation', aggregations),
    '## Functions\n\nOf each series of a vector, or of its samples in a range. `scalar(vector)`, `time()` and `pi()` are numbers, all others vectors.',
    table('function', functions),
    DIFFERENCES,
  ].join('\n\n')}\n`;
}

const ARGUMENT: Readonly<Record<ValueType, string>> = {
  scalar: 'number',
  vector: 'vector',
  matrix: 'range',
  string: 'text',
};

function argumentsOf({ args, optional = 0, repeats = false }: FunctionType): string {
  const texts = args.map((type, i) => {
    const text = ARGUMENT[type];
    return i >= args.length - optional ? `[${text}]` : text;
  });
  return repeats ? `${texts.join(', ')}, …` : texts.join(', ');
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  return [`| ${title} | |`, '| --- | --- |', ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
}
