// What withholds messages of an alert now, for commands that show it.
import type { Alert } from '../core/model/alert.ts';
import type { Labels } from '../core/model/labels.ts';
import type { Rule } from '../core/model/rule.ts';
import { type SilenceSubject, silenceCovers } from '../core/notify/silences.ts';
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

/** The rules in `inhibitedBy`, and whether an alert of them fires for the same cluster and node. */
export function inhibitors(
  rule: Pick<Rule, 'inhibitedBy'> | undefined,
  { cluster, node }: Labels,
  alerts: readonly Alert[],
): { rule: string; now: boolean }[] {
  const isSameNode = ({ labels }: Alert) => labels.cluster === cluster && labels.node === node;
  return (rule?.inhibitedBy ?? []).map((name) => ({
    rule: name,
    now: alerts.some((alert) => alert.rule === name && alert.status === 'firing' && isSameNode(alert)),
  }));
}
