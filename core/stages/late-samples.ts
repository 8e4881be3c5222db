// Samples that came too late for the sample store are evaluated all the same, while rules reach back that far.

import { CATCH_UP_MS, holdMs, lookBackMs } from '../evaluate/range.ts';
import { createIntervals, type Intervals, ruleIntervals } from '../intervals.ts';
import { mergeSeries } from '../late-samples.ts';
import type { Config } from '../model/config.ts';
import type { Rule } from '../model/rule.ts';
import type { Sample } from '../model/sample.ts';
import { greatestOf } from '../numbers/extremes.ts';
import { ownsAlert, type Shard, shardName } from '../plan/shards.ts';
import type { Clock, Logger, Meter, SampleStore, StateStore } from '../ports.ts';
import { metricsOf } from '../rule-query.ts';
import { isSelected } from '../selection.ts';

export interface StoreSettings {
  config: Pick<Config, 'rules' | 'checks' | 'schedule'>;
  /** All shards of the fleet. */
  shards: readonly Shard[];
}

/**
 * Keeps, for their shards, samples that the store refused as too late: those of metrics that rules use, as long as an
 * evaluation may read their times. Returns how many. Safe to repeat.
 * @throws RetryableError
 */
export async function keepLateSamples(
  tooLate: readonly Sample[],
  { config, shards }: StoreSettings,
  { state, clock }: { state: Pick<StateStore, 'putLateSamples'>; clock: Clock },
): Promise<number> {
  const nowMs = clock.nowMs();
  const { rules, checks, schedule } = config;
  const intervals = createIntervals(checks);
  const used = new Set(['up', ...rules.flatMap(metricsOf)]);
  // An evaluation that was out itself reads what it missed, and windows reach back from there.
  const readMs =
    schedule.latenessMs + CATCH_UP_MS + greatestOf([0, ...rules.map((rule) => reachMs(rule, intervals))]);
  const wanted = tooLate.filter(({ metric, timeMs }) => used.has(metric) && timeMs >= nowMs - readMs);
  const expiresAtMs = nowMs + readMs;
  for (const shard of shards) {
    const samples = wanted.filter(({ labels }) => ownsAlert(shard, labels));
    if (samples.length === 0) continue;
    await state.putLateSamples({ shard: shardName(shard), samples, nowMs, expiresAtMs });
  }
  return wanted.length;
}

/** How far behind the lateness a rule may reach, also an edited one. */
function reachMs(rule: Rule, intervals: Intervals): number {
  const known = ruleIntervals(intervals, rule, []);
  return lookBackMs(rule, known) + 2 * holdMs(rule, known.intervalMs) + rule.keepFiringForMs;
}

/** The store with the shard's late samples. Where both have a sample, the store's counts. */
export function withLateSamples(
  store: SampleStore,
  shard: Shard,
  ports: { state: Pick<StateStore, 'lateSamples'>; logger: Logger; meter: Meter },
): SampleStore {
  if (!store.refusesLate) return store;
  return {
    ...store,
    async query(query) {
      const { metric, fromMs, toMs } = query;
      const [stored, late] = await Promise.all([
        store.query(query),
        ports.state.lateSamples({ shard: shardName(shard), metric, fromMs, toMs }),
      ]);
      if (late.isCut) {
        ports.meter.count('samples_late_unread_total');
        ports.logger.error('more samples came late than an evaluation reads: the oldest are left out', {
          metric,
        });
      }
      const wanted = late.series.filter(({ labels }) => isSelected(query, labels));
      return wanted.length === 0 ? stored : mergeSeries(stored, wanted);
    },
  };
}
