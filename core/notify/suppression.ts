import { allLabels, labelKey } from '../labels.ts';
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
 * of a rule in `inhibitedBy` with the same cluster and node, or of one in `supersededBy` with the same labels.
 */
export function compileSuppressions(input: {
  rules: Readonly<Record<string, Rule>>;
  /** From the configuration and from state. */
  silences: readonly AnySilence[];
  /** Firing alerts: rule and labels. */
  firing: readonly { rule: string; labels: Readonly<Record<string, string>> }[];
  nowMs: number;
}): (alert: IncidentAlert) => Suppression | undefined {
  const firing = new Set(
    input.firing.flatMap(({ rule, labels }) => [nodeKey(rule, labels), seriesKey(rule, labels)]),
  );
  const silences = input.silences
    .filter(({ fromMs, untilMs }) => fromMs <= input.nowMs && input.nowMs < untilMs)
    .map(compileSilence);
  return (alert) => {
    const rule = input.rules[alert.rule];
    const all = allLabels(alert);
    const labels = rule ? routedLabels(rule, all) : all;
    const covering = silences.filter((silence) => silence.covers({ ...alert, labels }));
    if (covering.length > 0) {
      const untilMs = covering.reduce((last, silence) => Math.max(last, silence.untilMs), 0);
      const fromMs = covering.reduce((first, silence) => Math.min(first, silence.fromMs), Infinity);
      return { by: 'silence', fromMs, untilMs };
    }
    if (alert.status === 'firing') {
      const by =
        rule?.supersededBy?.find((name) => firing.has(seriesKey(name, alert.labels))) ??
        rule?.inhibitedBy.find((name) => firing.has(nodeKey(name, alert.labels)));
      if (by) return { by: 'inhibition', rule: by };
    }
    return undefined;
  };
}

/** As `compileSuppressions`, for rules as incidents know them: those of most incidents are the same. */
export function createSuppressions(
  input: Omit<Parameters<typeof compileSuppressions>[0], 'rules'>,
): (rules: Readonly<Record<string, Rule>>) => ReturnType<typeof compileSuppressions> {
  const compiled = new Map<string, ReturnType<typeof compileSuppressions>>();
  return (rules) => {
    const key = JSON.stringify(rules);
    const suppressionOf = compiled.get(key) ?? compileSuppressions({ ...input, rules });
    compiled.set(key, suppressionOf);
    return suppressionOf;
  };
}

/** Rules whose firing alerts may keep an alert of this one quiet. */
export function inhibitorsOf({
  inhibitedBy,
  supersededBy = [],
}: Pick<Rule, 'inhibitedBy' | 'supersededBy'>): string[] {
  return [...supersededBy, ...inhibitedBy];
}

/** Finds the firing alerts that keep one quiet, for many of them. */
export function indexInhibitors<T extends { rule: string; labels: Labels }>(
  firing: readonly T[],
): (alert: { labels: Labels }, rule: Pick<Rule, 'inhibitedBy' | 'supersededBy'>) => T[] {
  const byNode = Map.groupBy(firing, ({ rule, labels }) => nodeKey(rule, labels));
  const bySeries = Map.groupBy(firing, ({ rule, labels }) => seriesKey(rule, labels));
  return ({ labels }, { inhibitedBy, supersededBy = [] }) => [
    ...supersededBy.flatMap((name) => bySeries.get(seriesKey(name, labels)) ?? []),
    ...inhibitedBy.flatMap((name) => byNode.get(nodeKey(name, labels)) ?? []),
  ];
}

/** Whether a firing alert of a rule that `inhibitorsOf` names keeps this one quiet. */
export function inhibits(
  firing: { rule: string; labels: Labels },
  alert: { labels: Labels },
  rule: Pick<Rule, 'supersededBy'>,
): boolean {
  const keyOf = rule.supersededBy?.includes(firing.rule) ? seriesKey : nodeKey;
  return keyOf(firing.rule, firing.labels) === keyOf(firing.rule, alert.labels);
}

/** Alerts of a rule in `inhibitedBy` count for their cluster and node. */
function nodeKey(rule: string, { cluster = '', node = '' }: Labels): string {
  return JSON.stringify([rule, cluster, node]);
}

/** Alerts of a rule in `supersededBy` count for the very labels that they have. */
function seriesKey(rule: string, labels: Labels): string {
  return JSON.stringify([rule, labelKey(labels)]);
}
