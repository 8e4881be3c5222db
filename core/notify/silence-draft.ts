// A silence as somebody asks for it: of alerts that match, or the acknowledgement of one.

import { parseDuration } from '../duration.ts';
import { allLabels } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import type { Rule } from '../model/rule.ts';
import type { Matcher, StoredSilence } from '../model/silence.ts';
import { routedLabels } from './routes.ts';
import { compileSilence } from './silences.ts';

/** An acknowledgement ends with its alert, and at this time at the latest, in case the alert never ends. */
const ACKNOWLEDGED_AT_MOST_MS = parseDuration('365d');

/** @param about the alert to acknowledge, or matchers of the alerts to silence */
export function draftSilence(
  about: { alert: Alert } | { matchers: readonly Matcher[] },
  given: { id: string; fromMs: number; forMs: number | undefined; author: string; comment: string },
  nowMs: number,
): StoredSilence {
  const { id, fromMs, forMs, author, comment } = given;
  const times = { fromMs, untilMs: fromMs + (forMs ?? ACKNOWLEDGED_AT_MOST_MS), createdAtMs: nowMs };
  if ('matchers' in about) return { id, matchers: about.matchers, ...times, author, comment };
  const { id: alertId, rule, labels, sinceMs } = about.alert;
  const matchers = Object.entries({ rule, ...labels }).map(
    ([name, value]): Matcher => ({ name, op: '=', value }),
  );
  const breach = sinceMs > nowMs ? { breachSinceMs: sinceMs } : {};
  return { id, matchers, alertId, ...breach, ...times, author, comment };
}

/** The alerts that a silence covers, whatever the time. */
export function coveredBy(silence: StoredSilence, alerts: readonly Alert[], rules: readonly Rule[]): Alert[] {
  const { covers } = compileSilence(silence);
  return alerts.filter((alert) => {
    const rule = rules.find(({ name }) => name === alert.rule);
    const all = allLabels(alert);
    const labels = rule ? routedLabels(rule, all) : { ...all, rule: alert.rule };
    return covers({ alertId: alert.id, labels, sinceMs: alert.sinceMs, status: alert.status });
  });
}
