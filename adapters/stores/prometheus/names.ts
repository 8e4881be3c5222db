import { findMetric, METRICS, type Unit } from '../../../core/catalogue.ts';
import type { LabelGlobs } from '../../../core/model.ts';

/** Base units in names, as https://prometheus.io/docs/practices/naming/ has them. */
const SUFFIXES: Record<Unit, string> = {
  percent: '_percent',
  seconds: '_seconds',
  bytes: '_bytes',
  bytes_per_second: '_bytes_per_second',
  count: '',
  ratio: '_ratio',
  bool: '',
};

/** `bartizan_mem_usage_percent` of `mem_usage`; undefined for what the catalogue lacks. */
export function seriesNameOf(metric: string): string | undefined {
  const known = findMetric(metric);
  return known && `bartizan_${known.name}${SUFFIXES[known.unit]}`;
}

/** All names that are written, for documentation and permissions. */
export const SERIES_NAMES: readonly string[] = METRICS.flatMap(({ name }) => seriesNameOf(name) ?? []);

/**
 * A selector of PromQL for a metric and globs. It may select more than the globs do (a regular expression matches a
 * label that is absent): what comes back is looked at again.
 */
export function selectorOf(name: string, where: LabelGlobs = {}): string {
  const matchers = Object.entries(where).map(
    ([label, globs]) => `${label}=~${JSON.stringify(globs.map(regexOf).join('|'))}`,
  );
  return `${name}{${matchers.join(',')}}`;
}

/** RE2; Prometheus anchors it. */
function regexOf(glob: string): string {
  const source = glob.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  return `(?s:${source.replace(/\*+/g, '.*').replace(/\?/g, '.')})`;
}
