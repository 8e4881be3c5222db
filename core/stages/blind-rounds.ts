import { findMetric } from '../catalogue.ts';
import type { EvaluateInput } from '../evaluate/model.ts';
import { measures } from '../intervals.ts';
import type { Alert } from '../model/alert.ts';
import type { Check } from '../model/check.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { LabelGlobs, Selection } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { UP_PROBE } from '../parse/samples.ts';
import type { SampleStore } from '../ports.ts';
import { metricsOf, selectionFor } from '../rule-query.ts';
import { queryIn } from './shard-round.ts';

/** Only an open alert can lose its series. Evaluations of one round read no further back than the lateness and a few rounds. */
const OF_ONE_ROUND_MS = 5 * 60_000;
/** For more nodes than these the store is asked for all. */
const MOST_NODES = 100;

/**
 * The rounds in which checks that measure the rule's metric could not be made, or saw a part only. Asks the store for nothing while
 * the rule has no open alert, as almost always, or where `up` says it all.
 */
export async function queryBlindRounds(
  rule: Rule,
  { store, latenessMs }: { store: Pick<SampleStore, 'query'>; latenessMs: number },
  known: {
    checks: readonly Check[];
    alerts: readonly Alert[];
    checkpoint: Checkpoint | undefined;
    fromMs: number;
    toMs: number;
    selection: Selection & { where: LabelGlobs };
  },
): Promise<NonNullable<EvaluateInput['blind']>> {
  const { checks, alerts, checkpoint, fromMs, toMs, selection } = known;
  const ofChecks = metricsOf(rule).filter(isOfChecks);
  const names = checks
    .filter((check) => check.probe !== UP_PROBE && ofChecks.some((metric) => measures(check, metric)))
    .map(({ name }) => name);
  const open = [...alerts, ...(checkpoint?.series ?? []), ...(checkpoint?.emitted ?? [])];
  const isLong = toMs - fromMs > latenessMs + OF_ONE_ROUND_MS;
  if (names.length === 0 || (open.length === 0 && !isLong)) return [];
  const nodes = new Set(open.map(({ labels }) => labels.node));
  const isFew = !isLong && nodes.size <= MOST_NODES && !nodes.has(undefined);
  const own = selectionFor('probe_success', selection);
  const where = { ...own.where, check: names, ...(isFew && { node: [...nodes] as string[] }) };
  const [ran, partial] = await Promise.all(
    ['probe_success', 'probe_partial'].map((metric) => queryIn(store, { metric, where, fromMs, toMs })),
  );
  const pointsWith = (wanted: number) => (one: { points: EvaluateInput['series'][number]['points'] }) =>
    one.points.filter(({ value }) => value === wanted);
  return [
    ...(ran ?? []).map((one) => ({ labels: one.labels, points: pointsWith(0)(one) })),
    ...(partial ?? []).map((one) => ({ labels: one.labels, points: pointsWith(1)(one) })),
  ].filter(({ points }) => points.length > 0);
}

/** Each round writes `up` and metrics of bastions, whichever checks ran. */
function isOfChecks(metric: string): boolean {
  const { probes, group } = findMetric(metric) ?? {};
  return probes !== undefined || group === 'check';
}
