import type { Rule } from '../model.ts';
import type { IncidentAlert } from './model.ts';
import { routedLabels } from './routes.ts';
import { type AnySilence, compileSilence } from './silences.ts';

/** Why a notification is withheld; `untilMs`: the end of the silence. When silences change, it is decided again. */
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
    if (covering.length > 0) {
      const untilMs = covering.reduce((last, silence) => Math.max(last, silence.untilMs), 0);
      return { by: 'silence', untilMs };
    }
    if (alert.status === 'firing') {
      const by = rule?.inhibitedBy.find((name) => firing.has(place(name, alert.labels)));
      if (by) return { by: 'inhibition', rule: by };
    }
    return undefined;
  };
}
