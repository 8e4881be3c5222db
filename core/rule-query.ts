import { findMetric, GROUP_LABELS } from './catalogue.ts';
import type { LabelGlobs, Selection } from './model/labels.ts';
import type { Rule } from './model/rule.ts';
import type { Series } from './model/sample.ts';
import type { SampleStore, SeriesQuery } from './ports.ts';

/** The metric of a rule; both metrics of a ratio. */
export function metricsOf({ metric, over }: Pick<Rule, 'metric' | 'over'>): string[] {
  return over === undefined ? [metric] : [metric, over];
}

/** Whether the rule compares samples as they are. */
export function isPlain({ over, window, aggregate }: Pick<Rule, 'over' | 'window' | 'aggregate'>): boolean {
  return over === undefined && !window && !aggregate;
}

/** The globs on labels that the metric has: the second metric of a rule on mounts may be one of their node. */
export function selectionFor(metric: string, { where, whereNot }: Selection): Selection {
  const group = findMetric(metric)?.group;
  const labels: readonly string[] = group ? GROUP_LABELS[group] : [];
  const own = (globs: LabelGlobs | undefined) =>
    globs && Object.fromEntries(Object.entries(globs).filter(([label]) => labels.includes(label)));
  return { where: own(where), whereNot };
}

/** All series that a rule needs, one query a metric. Without a cluster to ask for it queries nothing. */
export async function queryRule(
  store: Pick<SampleStore, 'query'>,
  rule: Pick<Rule, 'metric' | 'over'>,
  query: Omit<SeriesQuery, 'metric'>,
): Promise<Series[]> {
  if (query.where?.cluster?.length === 0) return [];
  if (rule.over === undefined) return store.query({ ...query, metric: rule.metric });
  const found = metricsOf(rule).map((metric) =>
    store.query({ ...query, ...selectionFor(metric, query), metric }),
  );
  return (await Promise.all(found)).flat();
}
