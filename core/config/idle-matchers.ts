// Silences and inhibitions that can match nothing. Labels that only a probe knows (mount, device) may have any value.

import { isBastionRule, namesCluster, namesNode } from '../evaluate/alert-labels.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { quoted } from '../text/suggestions.ts';
import { alertsOf, type CoverageInput, canMatch, distinct, globsOf, type PossibleAlert } from './coverage.ts';
import { type Finding, type Path, warningAt } from './problem.ts';

interface IdleInput extends Pick<CoverageInput, 'rules' | 'nodes' | 'bastions'> {
  silences: readonly { path: Path; value: { match: LabelGlobs; untilMs: number } | undefined }[];
  nowMs: number | undefined;
}

export function idleMatchers(input: IdleInput): Finding[] {
  const { rules, bastions, silences, nowMs } = input;
  const current = silences.flatMap(({ path, value }) =>
    value && !(nowMs !== undefined && value.untilMs <= nowMs) ? [{ path, match: value.match }] : [],
  );
  const globs = [...rules.flatMap(({ rule }) => globsOf(rule)), ...current.map(({ match }) => match)];
  const nodes = distinct(input.nodes, new Set(['cluster', ...globs.flatMap((one) => Object.keys(one))]));
  const all = possibleAlerts(
    rules.map(({ rule }) => rule),
    { nodes, bastions },
  );
  const idle = current
    .filter(({ match }) => !all.some((alert) => canMatch(match, alert)))
    .map(({ path, match }) =>
      warningAt(
        [...path, 'match'],
        'this silence matches no alert that there can be',
        `compare ${Object.keys(match).map(quoted).join(', ')} with rules, severities, clusters and nodes`,
      ),
    );
  return [...idle, ...rules.flatMap((entry) => idleInhibitions(entry, input))];
}

/** What alerts there can be of these rules. */
export function possibleAlerts(
  rules: readonly Rule[],
  { nodes, bastions }: { nodes: readonly Labels[]; bastions: readonly string[] },
): PossibleAlert[] {
  return rules.flatMap((rule) => alertsOf(rule, nodes, bastions)).map(asAlert);
}

/** Inhibition wants a firing alert of the same cluster and node. */
function idleInhibitions(
  { rule, path }: { rule: Rule; path: Path },
  { rules, nodes }: Pick<IdleInput, 'rules' | 'nodes'>,
): Finding[] {
  if (path.length === 0) return [];
  return rule.inhibitedBy.flatMap((name, index) => {
    const other = rules.find((candidate) => candidate.rule.name === name)?.rule;
    // Of bastions and nodes `check` says so already, without knowing the fleet.
    if (!other || isBastionRule(other) || isBastionRule(rule) || canShare(rule, other, nodes)) return [];
    return [
      warningAt(
        [...path, 'inhibitedBy', index],
        `${quoted(name)} never keeps this quiet: no alert of it has the cluster and node of one of these`,
        'compare `where` and `aggregate.by` of the two rules',
      ),
    ];
  });
}

/** Whether alerts of the two can have the same cluster and node; another finding says that a rule matches nothing. */
function canShare(a: Rule, b: Rule, nodes: IdleInput['nodes']): boolean {
  const matches = (rule: Rule, node: IdleInput['nodes'][number]) => alertsOf(rule, [node], []).length > 0;
  if (![a, b].every((rule) => nodes.some((node) => matches(rule, node)))) return true;
  if (namesCluster(a) !== namesCluster(b) || namesNode(a) !== namesNode(b)) return false;
  if (!namesCluster(a)) return true;
  if (namesNode(a)) return nodes.some((node) => matches(a, node) && matches(b, node));
  const clusters = new Set(nodes.filter((node) => matches(a, node)).map(({ cluster }) => cluster));
  return nodes.some((node) => clusters.has(node.cluster) && matches(b, node));
}

/** With the labels that alerts of an aggregate have left. */
function asAlert(alert: PossibleAlert): PossibleAlert {
  const { rule, labels, free } = alert;
  const { aggregate } = rule;
  if (!aggregate) return alert;
  const kept = new Set(['rule', 'severity', ...aggregate.by]);
  return {
    rule,
    labels: Object.fromEntries(Object.entries(labels).filter(([name]) => kept.has(name))),
    free: free.filter((name) => kept.has(name)),
  };
}
