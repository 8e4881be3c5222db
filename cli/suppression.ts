// What withholds messages of an alert now, for commands that show it.
import type { Alert } from '../core/model/alert.ts';
import type { Labels } from '../core/model/labels.ts';
import type { Rule } from '../core/model/rule.ts';
import { type SilenceSubject, silenceCovers } from '../core/notify/silences.ts';
import { inhibitorsOf, inhibits } from '../core/notify/suppression.ts';
import type { ListedSilence } from './silence-table.ts';

/** The active silences that cover the alert, the last to end first, because messages wait for that one. */
export function coveringSilences(listed: readonly ListedSilence[], subject: SilenceSubject): ListedSilence[] {
  return listed
    .filter(
      ({ state, createdAtMs = 0, ...one }) =>
        state === 'active' && silenceCovers({ ...one, createdAtMs }, subject),
    )
    .sort((a, b) => b.untilMs - a.untilMs);
}

/** Rules that may keep an alert quiet, and whether one of their alerts does now. */
export function inhibitors(
  rule: Pick<Rule, 'inhibitedBy' | 'supersededBy'> | undefined,
  labels: Labels,
  alerts: readonly Alert[],
): { rule: string; now: boolean }[] {
  if (!rule) return [];
  return inhibitorsOf(rule).map((name) => ({
    rule: name,
    now: alerts.some(
      (alert) => alert.rule === name && alert.status === 'firing' && inhibits(alert, { labels }, rule),
    ),
  }));
}
