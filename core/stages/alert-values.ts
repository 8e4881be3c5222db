import { currentForMs } from '../current.ts';
import { createIntervals } from '../intervals.ts';
import { labelKey } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { SampleStore } from '../ports.ts';
import { isPlain } from '../rule-query.ts';
import { newestPoints } from './current-states.ts';

/** How far back the newest value of an alert is searched for; whoever shows it shows its age. */
const SEEN_WITHIN_MS = 24 * 3_600_000;

export interface AlertValue {
  value: number;
  valueAtMs: number;
}

/** The newest values that alerts are compared with, by id; those without one are left out. @throws RetryableError of the store */
export async function readAlertValues(
  { rules, checks }: Pick<Config, 'rules' | 'checks'>,
  alerts: readonly Pick<Alert, 'id' | 'rule' | 'labels'>[],
  { store, nowMs }: { store: Pick<SampleStore, 'query' | 'latest'>; nowMs: number },
): Promise<Map<string, AlertValue>> {
  const values = new Map<string, AlertValue>();
  const intervals = createIntervals(checks);
  for (const rule of rules) {
    const own = alerts.filter((alert) => alert.rule === rule.name);
    const idOf = new Map(own.map(({ id, labels }) => [labelKey(labels), id]));
    if (own.length === 0) continue;
    if (!isPlain(rule)) {
      // No store has the compared value: it is derived from samples, as for messages.
      const newest = await newestPoints(rule, own, checks, { store, clock: { nowMs: () => nowMs } });
      for (const [key, { value, timeMs }] of newest) {
        const id = idOf.get(key);
        if (id !== undefined) values.set(id, { value, valueAtMs: timeMs });
      }
      continue;
    }
    for (const series of await store.latest({
      metric: rule.metric,
      where: rule.where,
      whereNot: rule.whereNot,
      sinceMs: nowMs - Math.max(SEEN_WITHIN_MS, currentForMs(intervals.longest(rule.metric, []))),
    })) {
      const id = idOf.get(labelKey(series.labels));
      const point = series.points.at(-1);
      if (id !== undefined && point) values.set(id, { value: point.value, valueAtMs: point.timeMs });
    }
  }
  return values;
}
