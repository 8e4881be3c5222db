// What one rule would have done with other values: each variant is evaluated by core/evaluate, over samples that are read once.

import { evaluatedFromMs, lookBackMs } from '../evaluate/range.ts';
import { deriveSeries } from '../evaluate/rule-series.ts';
import { createIntervals, ruleIntervals } from '../intervals.ts';
import type { Transition } from '../model/transition.ts';
import { inhibitorsOf } from '../notify/suppression.ts';
import { appendAll, greatestOf } from '../numbers/extremes.ts';
import { shardView, WHOLE } from '../plan/shards.ts';
import { neededMs } from '../samples-needed.ts';
import { createInventoryLabels } from '../stages/inventory-labels.ts';
import { readRuleInput } from '../stages/rule-input.ts';
import { createUpQuery } from '../stages/shard-round.ts';
import { withSharedQueries } from '../stages/shared-queries.ts';
import { type Coverage, createCoverage, createRuleGaps, knownMs, type MetricGap } from './coverage.ts';
import type { HistoryPorts } from './history-run.ts';
import { createSliceReader } from './history-slices.ts';
import { createRuleRun } from './rule-run.ts';
import { screenSeries } from './screening.ts';
import type { Variant } from './sweep-axes.ts';
import { type SweepRequest, summariseVariants, type VariantSummary } from './sweep-summary.ts';

export interface Sweep {
  fromMs: number;
  toMs: number;
  variants: VariantSummary[];
  /** Where nothing is known of any variant: a metric has no samples at all. */
  unknown: readonly MetricGap[];
  samples: number;
}

/** @throws BacktestTooLargeError | RetryableError of the store */
export async function runSweep(request: SweepRequest, ports: HistoryPorts): Promise<Sweep> {
  const { fromMs, toMs } = request;
  const { emitted, inhibiting, samples, coverage } = await evaluateVariants(request, ports);
  const unknown = await createRuleGaps(request, coverage, ports.store)(request.rule);
  const known = knownMs(unknown, request);
  return { fromMs, toMs, variants: summariseVariants(request, emitted, inhibiting, known), unknown, samples };
}

/** The transitions of each variant, and those of rules that may withhold its messages. */
export async function evaluateVariants(
  request: SweepRequest,
  ports: HistoryPorts,
): Promise<{ emitted: Transition[][]; inhibiting: Transition[]; samples: number; coverage: Coverage }> {
  const { config, rule, variants, targets, fromMs, toMs } = request;
  const { onProgress, signal } = ports;
  const { checks, schedule } = config;
  const { latenessMs } = schedule;
  const intervals = createIntervals(checks, targets);
  const inventoryLabels = createInventoryLabels(targets);
  const inhibitors = config.rules
    .filter(({ name }) => inhibitorsOf(rule).includes(name))
    .map((one) => createRuleRun(one, inventoryLabels));
  const runs = variants.map((variant) => createRuleRun(variant.rule, inventoryLabels));
  const widest = longestHold(variants);
  const all = [...variants.map((variant) => variant.rule), ...inhibitors.map((run) => run.rule)];
  const backMs = greatestOf(all.map((one) => lookBackMs(one, ruleIntervals(intervals, one, []))));
  const coverage = createCoverage(fromMs, toMs);
  const reader = createSliceReader(ports.store, { ...ports, coverage, lookBackMs: backMs });
  const startMs = fromMs - neededMs({ rules: all, checks, schedule });
  const emitted: Transition[][] = runs.map(() => []);
  const inhibiting: Transition[] = [];
  for (let nowMs = startMs; ; nowMs = Math.min(toMs, nowMs + reader.nextMs())) {
    const store = withSharedQueries(reader.store);
    const round = { store, checks, intervals, latenessMs, targets, shard: WHOLE, roundMs: nowMs };
    const upSince = createUpQuery(round);
    for (const run of inhibitors) {
      const view = shardView(WHOLE, run.rule, targets);
      const asked = { nowMs, checkpoint: run.checkpoint(), alerts: run.alerts() };
      if (view)
        appendAll(inhibiting, run.evaluate(await readRuleInput(run.rule, view, asked, round, upSince)));
    }
    const view = shardView(WHOLE, widest.rule, targets);
    const first = runs[variants.indexOf(widest)];
    if (!view || !first) break;
    // Rounds that no check could see are read for the alerts of all variants.
    const asked = { nowMs, checkpoint: first.checkpoint(), alerts: runs.flatMap((run) => run.alerts()) };
    const input = await readRuleInput(widest.rule, view, asked, round, upSince);
    const screened = screenSeries(deriveSeries(input, evaluatedFromMs(input) - 1));
    for (const [i, run] of runs.entries()) {
      signal?.throwIfAborted();
      const own = { rule: run.rule, checkpoint: run.checkpoint(), alerts: run.alerts() };
      appendAll(emitted[i] as Transition[], run.evaluate({ ...input, ...own, derived: screened.for(run) }));
    }
    await onProgress?.((nowMs - startMs) / Math.max(1, toMs - startMs));
    if (nowMs >= toMs) break;
  }
  return { emitted, inhibiting, samples: reader.samples(), coverage };
}

/** Its first evaluation reads furthest back. */
function longestHold(variants: readonly Variant[]): Variant {
  const reach = ({ rule }: Variant) => 2 * rule.forMs + rule.keepFiringForMs;
  return variants.reduce((a, b) => (reach(b) > reach(a) ? b : a));
}
