import { lookBackMs } from '../evaluate/range.ts';
import { createIntervals, ruleIntervals } from '../intervals.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Rule } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import type { Transition } from '../model/transition.ts';
import { appendAll, greatestOf } from '../numbers/extremes.ts';
import { shardView, WHOLE } from '../plan/shards.ts';
import type { SampleStore } from '../ports.ts';
import { metricsOf } from '../rule-query.ts';
import { neededMs } from '../samples-needed.ts';
import { createInventoryLabels } from '../stages/inventory-labels.ts';
import { readRuleInput } from '../stages/rule-input.ts';
import { createUpQuery } from '../stages/shard-round.ts';
import { withSharedQueries } from '../stages/shared-queries.ts';
import { type Coverage, createCoverage } from './coverage.ts';
import { createSliceReader, type SliceLimits } from './history-slices.ts';
import { createRuleRun } from './rule-run.ts';

export interface HistoryRequest {
  config: Pick<Config, 'checks' | 'schedule'>;
  rules: readonly Rule[];
  /** Nodes of today's inventory. */
  targets: readonly Target[];
  fromMs: number;
  toMs: number;
}

export interface HistoryPorts extends SliceLimits {
  store: Pick<SampleStore, 'query' | 'rollUps'>;
  /** Called after each slice, with the share that is done, 0 to 1: others may work meanwhile. */
  onProgress?: (done: number) => void | Promise<void>;
  /** Ends the run with its reason. */
  signal?: AbortSignal;
}

export interface HistoryResult {
  /** In order of time, from `startMs` on. */
  transitions: Transition[];
  /** The rules were evaluated from then on, so that what held at `fromMs` is known. */
  startMs: number;
  coverage: Coverage;
  /** Alerts that are not ok at the end. */
  open: readonly Alert[];
  samples: number;
}

/**
 * Evaluates rules over stored samples as rounds would have done, in slices of time. Any chunking of the samples gives the
 * same transitions, so a slice is one evaluation. @throws BacktestTooLargeError | RetryableError of the store
 */
export async function runHistory(request: HistoryRequest, ports: HistoryPorts): Promise<HistoryResult> {
  const { config, rules, targets, fromMs, toMs } = request;
  const { onProgress, signal } = ports;
  const { checks, schedule } = config;
  const { latenessMs } = schedule;
  const intervals = createIntervals(checks, targets);
  const coverage = createCoverage(fromMs, toMs);
  const backMs = greatestOf([
    0,
    ...rules.map((rule) => lookBackMs(rule, ruleIntervals(intervals, rule, []))),
  ]);
  const reader = createSliceReader(ports.store, { ...ports, coverage, lookBackMs: backMs });
  const inventoryLabels = createInventoryLabels(targets);
  const runs = byMetric(rules).map((rule) => createRuleRun(rule, inventoryLabels));
  const startMs = fromMs - neededMs({ rules, checks, schedule });
  const transitions: Transition[] = [];
  for (let nowMs = startMs; ; nowMs = Math.min(toMs, nowMs + reader.nextMs())) {
    const store = withSharedQueries(reader.store);
    const round = { store, checks, intervals, latenessMs, targets, shard: WHOLE, roundMs: nowMs };
    const upSince = createUpQuery(round);
    for (const run of runs) {
      signal?.throwIfAborted();
      const view = shardView(WHOLE, run.rule, targets);
      if (!view) continue;
      const asked = { nowMs, checkpoint: run.checkpoint(), alerts: run.alerts() };
      appendAll(transitions, run.evaluate(await readRuleInput(run.rule, view, asked, round, upSince)));
    }
    await onProgress?.((nowMs - startMs) / Math.max(1, toMs - startMs));
    if (nowMs >= toMs) break;
  }
  transitions.sort((a, b) => a.atMs - b.atMs);
  const open = runs.flatMap((run) => run.alerts());
  return { transitions, startMs, coverage, open, samples: reader.samples() };
}

/** Rules on the same metrics stand side by side: they share what is read. */
function byMetric(rules: readonly Rule[]): Rule[] {
  return [...Map.groupBy(rules, (rule) => metricsOf(rule).join('\n')).values()].flat();
}
