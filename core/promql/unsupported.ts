// Functions and aggregations that Prometheus has and queries here have not.

const HISTOGRAMS = 'is for histograms, which no check measures';
const EXPERIMENTAL = 'is experimental in Prometheus and not supported';

const REASONS: readonly (readonly [names: RegExp, reason: string])[] = [
  [/^histogram_(avg|count|sum|stddev|stdvar|fraction|quantiles?)$/, HISTOGRAMS],
  [/^(limitk|limit_ratio|max_of|min_of|range|start|start_timestamp|end|step)$/, EXPERIMENTAL],
  [/^(double_exponential_smoothing|info|sort_by_label|sort_by_label_desc)$/, EXPERIMENTAL],
  [/^(first|mad|ts_of_first|ts_of_last|ts_of_max|ts_of_min)_over_time$/, EXPERIMENTAL],
];

/** Undefined for what Prometheus lacks as well. */
export function whyUnsupported(name: string): string | undefined {
  return REASONS.find(([names]) => names.test(name))?.[1];
}
