import { labelKey } from '../labels.ts';
import type { IncidentAlert } from '../model/incident.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { routedLabels } from './routes.ts';
import { type AnySilence, compileSilence } from './silences.ts';

/** Why a notification is withheld; a silence with its times. When silences change, it is decided again. */
export type Suppression =
  | { by: 'silence'; fromMs: number; untilMs: number }
  | { by: 'inhibition'; rule: string };

/**
 * Finds whether an alert is suppressed now: by a silence that matches it, or, while it fires, by a firing alert
 * of a rule in `inhibitedBy` with the same cluster and node, or of a higher tier with the same labels.
 */
export function compileSuppressions(input: {
  rules: Readonly<Record<string, Rule>>;
  /** From the configuration and from state. */
  silences: readonly AnySilence[];
  /** Firing alerts: rule and labels. */
  firing: readonly { rule: string; labels: Readonly<Record<string, string>> }[];
  nowMs: number;
}): (alert: IncidentAlert) => Suppression | undefined {
  const inhibitionKey = (rule: string, labels: Readonly<Record<string, string>>) =>
    JSON.stringify([rule, labels.cluster ?? '', labels.node ?? '']);
  const firing = new Set(input.firing.map((alert) => inhibitionKey(alert.rule, alert.labels)));
  const firingTiers = new Set(input.firing.map((alert) => tierKey(alert.rule, alert.labels)));
  const silences = input.silences
    .filter(({ fromMs, untilMs }) => fromMs <= input.nowMs && input.nowMs < untilMs)
    .map(compileSilence);
  return (alert) => {
    const rule = input.rules[alert.rule];
    const labels = rule ? routedLabels(rule, alert.labels) : alert.labels;
    const covering = silences.filter((silence) => silence.covers({ ...alert, labels }));
    if (covering.length > 0) {
      const untilMs = covering.reduce((last, silence) => Math.max(last, silence.untilMs), 0);
      const fromMs = covering.reduce((first, silence) => Math.min(first, silence.fromMs), Infinity);
      return { by: 'silence', fromMs, untilMs };
    }
    if (alert.status === 'firing') {
      const by =
        rule?.higherTiers?.find((name) => firingTiers.has(tierKey(name, alert.labels))) ??
        rule?.inhibitedBy.find((name) => firing.has(inhibitionKey(name, alert.labels)));
      if (by) return { by: 'inhibition', rule: by };
    }
    return undefined;
  };
}

/** Rules whose firing alerts may keep an alert of this one quiet. */
export function inhibitorsOf({
  inhibitedBy,
  higherTiers = [],
}: Pick<Rule, 'inhibitedBy' | 'higherTiers'>): string[] {
  return [...higherTiers, ...inhibitedBy];
}

/** Whether a firing alert of a rule that `inhibitorsOf` names keeps this one quiet. */
export function inhibits(
  firing: { rule: string; labels: Labels },
  alert: { labels: Labels },
  rule: Pick<Rule, 'higherTiers'>,
): boolean {
  if (rule.higherTiers?.includes(firing.rule)) return labelKey(firing.labels) === labelKey(alert.labels);
  return firing.labels.cluster === alert.labels.cluster && firing.labels.node === alert.labels.node;
}

function tierKey(rule: string, labels: Labels): string {
  return JSON.stringify([rule, labelKey(labels)]);
}
