import type { Rule } from '../model.ts';
import type { IncidentAlert } from './model.ts';
import { routedLabels } from './routes.ts';
import { type AnySilence, compileSilence } from './silences.ts';

/** How often an incident is looked at again while a silence covers it that may be ended early, at run time. */
export const SILENCE_RECHECK_MS = 300_000;

/** Why a notification is withheld; `untilMs`: when to look again, of a silence of the file its end. */
export type Suppression = { by: 'silence'; untilMs: number } | { by: 'inhibition'; rule: string };

/**
 * Judges whether an alert is held back now: by a silence that matches it, or, while it fires, by a firing alert
 * of a rule in `inhibitedBy` with the same cluster and node.
 */
export function suppressionJudge(input: {
  rules: Readonly<Record<string, Rule>>;
  /** Of the configuration and of state. */
  silences: readonly AnySilence[];
  /** Firing alerts: rule and labels. */
  firing: readonly { rule: string; labels: Readonly<Record<string, string>> }[];
  nowMs: number;
}): (alert: IncidentAlert) => Suppression | undefined {
  const place = (rule: string, labels: Readonly<Record<string, string>>) =>
    JSON.stringify([rule, labels.cluster ?? '', labels.node ?? '']);
  const firing = new Set(input.firing.map((alert) => place(alert.rule, alert.labels)));
  const silences = input.silences
    .filter(({ fromMs, untilMs }) => fromMs <= input.nowMs && input.nowMs < untilMs)
    .map(compileSilence);
  return (alert) => {
    const rule = input.rules[alert.rule];
    const labels = rule ? routedLabels(rule, alert.labels) : alert.labels;
    const covering = silences.filter((silence) => silence.covers({ ...alert, labels }));
    const until = covering.map(({ silence, untilMs }) =>
      'matchers' in silence ? Math.min(untilMs, input.nowMs + SILENCE_RECHECK_MS) : untilMs,
    );
    if (until.length > 0) return { by: 'silence', untilMs: Math.max(...until) };
    if (alert.status === 'firing') {
      const by = rule?.inhibitedBy.find((name) => firing.has(place(name, alert.labels)));
      if (by) return { by: 'inhibition', rule: by };
    }
    return undefined;
  };
}
