// The alerts that rules can have with today's fleet. Only a probe knows the values of some labels (mount, device): they are free,
// which means that any value is possible.

import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { isWithoutCluster } from '../evaluate/alert-labels.ts';
import { globCovers, globMatches } from '../labels.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { isSelected } from '../selection.ts';

export type FleetNode = Labels & { cluster: string; node: string; role: string };

export interface Fleet {
  /** With the labels that the inventory gives them. */
  nodes: readonly FleetNode[];
  bastions: readonly string[];
}

export interface PossibleAlert {
  rule: Rule;
  /** Labels with a known value. */
  labels: Labels;
  free: readonly string[];
}

/** The series that a rule can evaluate, as alerts. */
export function seriesOf(
  rule: Rule,
  fleet: { nodes: readonly Labels[]; bastions: readonly string[] },
): PossibleAlert[] {
  const group = findMetric(rule.metric)?.group ?? 'node';
  const bastions = () => fleet.bastions.map((bastion): Labels => ({ bastion }));
  const known = !isWithoutCluster(rule) ? fleet.nodes : group === 'bastion' ? bastions() : [{}];
  return known
    .map((labels) => ({
      rule,
      labels: { ...labels, rule: rule.name, severity: rule.severity },
      free: GROUP_LABELS[group].filter((label) => !(label in labels)),
    }))
    .filter((alert) => canMatch(rule.where, alert) && !isLeftOut(rule.whereNot ?? {}, alert))
    .filter(({ labels }) => rule.inventory === undefined || isSelected(rule.inventory, labels));
}

/** The alerts that a rule can have: an aggregate keeps only some labels of the series. */
export function alertsOf(
  rule: Rule,
  fleet: { nodes: readonly Labels[]; bastions: readonly string[] },
): PossibleAlert[] {
  const alerts = seriesOf(rule, fleet);
  if (!rule.aggregate) return alerts;
  const kept = new Set(['rule', 'severity', ...rule.aggregate.by]);
  return alerts.map(({ labels, free }) => ({
    rule,
    labels: Object.fromEntries(Object.entries(labels).filter(([name]) => kept.has(name))),
    free: free.filter((name) => kept.has(name)),
  }));
}

export function canMatch(globs: LabelGlobs, { labels, free }: PossibleAlert): boolean {
  return Object.entries(globs).every(
    ([label, any]) => free.includes(label) || any.some((glob) => matchesLabel(glob, labels[label])),
  );
}

/** Whether globs match for all values of the free labels. */
export function mustMatch(globs: LabelGlobs, { labels, free }: PossibleAlert): boolean {
  return Object.entries(globs).every(([label, any]) =>
    any.some((glob) => (/^\*+$/.test(glob) && free.includes(label)) || matchesLabel(glob, labels[label])),
  );
}

/** Whether `whereNot` covers an alert. If `where` names values of a free label, there are no others. */
function isLeftOut(whereNot: LabelGlobs, alert: PossibleAlert): boolean {
  return Object.entries(whereNot).some(([label, globs]) => {
    const wanted = alert.free.includes(label) ? alert.rule.where[label] : undefined;
    const isCovered = wanted?.every((one) => globs.some((glob) => globCovers(glob, one)));
    return isCovered || mustMatch({ [label]: globs }, alert);
  });
}

function matchesLabel(glob: string, value: string | undefined): boolean {
  return value !== undefined && globMatches(glob, value);
}

/** Merges nodes that differ only in labels that no glob names: thousands become a handful. */
export function distinctNodes(nodes: Fleet['nodes'], globs: readonly LabelGlobs[]): Labels[] {
  const used = new Set(['cluster', ...globs.flatMap((one) => Object.keys(one))]);
  const found = new Map<string, Labels>();
  for (const node of nodes) {
    const labels = Object.entries(node).map(([label, value]) => [label, used.has(label) ? value : '']);
    found.set(JSON.stringify(labels), Object.fromEntries(labels));
  }
  return [...found.values()];
}
