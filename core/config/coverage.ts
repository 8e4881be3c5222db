// Whether every alert has a route and every route an alert. Labels that only a probe knows (mount, device) are free:
// they may have any value.

import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { globCovers, globMatches } from '../labels.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { quoted } from '../text/suggestions.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';

/** An alert that a rule can have: the labels that are known, and the names of those that only a probe knows. */
export interface PossibleAlert {
  rule: Rule;
  labels: Labels;
  free: readonly string[];
}

export interface CoverageInput {
  rules: readonly { rule: Rule; path: Path }[];
  /** Undefined without the section: then one route takes all. */
  routes: readonly { name: string; match: LabelGlobs; continue: boolean; path: Path }[] | undefined;
  nodes: readonly { cluster: string; node: string; role: string }[];
  bastions: readonly string[];
}

export function checkCoverage(input: CoverageInput): Finding[] {
  const nodes = distinct(input.nodes, usedLabels(input));
  const alerts = input.rules.map(({ rule, path }) => ({
    path,
    rule,
    alerts: alertsOf(rule, nodes, input.bastions),
  }));
  const idle = alerts.flatMap((entry) =>
    idleGlobs(entry, alertsOf(without(entry.rule), nodes, input.bastions)),
  );
  const { routes } = input;
  if (!routes) return idle;
  const known = alerts.filter((entry) => entry.alerts.length > 0);
  return [
    ...idle,
    ...known.flatMap((entry) => unrouted(entry, routes)),
    ...uncovered(known, routes),
    ...idleRoutes(
      known.flatMap((entry) => entry.alerts),
      routes,
    ),
  ];
}

type Routes = NonNullable<CoverageInput['routes']>;

/** `wanted`: what there would be without `whereNot`. */
function idleGlobs(
  { path, rule, alerts }: { path: Path; rule: Rule; alerts: readonly PossibleAlert[] },
  wanted: readonly PossibleAlert[],
): Finding[] {
  const compare = 'compare its globs with clusters, nodes and roles';
  if (wanted.length === 0) {
    return [
      warningAt([...path, 'where'], `rule ${quoted(rule.name)} matches nothing that is watched`, compare),
    ];
  }
  if (alerts.length === 0) {
    const message = `\`whereNot\` leaves rule ${quoted(rule.name)} nothing that is watched`;
    return [warningAt([...path, 'whereNot'], message, compare)];
  }
  return Object.entries(rule.whereNot ?? {})
    .filter(([label, globs]) => !wanted.some((alert) => canMatch({ [label]: globs }, alert)))
    .map(([label]) =>
      warningAt([...path, 'whereNot', label], 'this leaves out nothing that is watched', compare),
    );
}

function without({ whereNot: _whereNot, ...rule }: Rule): Rule {
  return rule;
}

function unrouted(
  { path, rule, alerts }: { path: Path; rule: Rule; alerts: PossibleAlert[] },
  routes: Routes,
): Finding[] {
  if (alerts.some((alert) => routes.some((route) => canMatch(route.match, alert)))) return [];
  return [
    errorAt(
      path.length > 0 ? [...path, 'name'] : ['routes'],
      `no route takes alerts of rule ${quoted(rule.name)} (severity \`${rule.severity}\`)`,
      'add a route that matches it; one without `match` at the end takes whatever is left',
    ),
  ];
}

/** Clusters whose alerts a rule sends, for other clusters, but not for them. */
function uncovered(known: readonly { rule: Rule; alerts: PossibleAlert[] }[], routes: Routes): Finding[] {
  const lost = new Map<string, Set<string>>();
  for (const { rule, alerts } of known) {
    const taken = (alert: PossibleAlert) => routes.some((route) => canMatch(route.match, alert));
    if (!alerts.some(taken)) continue;
    for (const alert of alerts.filter((one) => !taken(one))) {
      const where = alert.labels.cluster ?? alert.labels.bastion ?? '';
      lost.set(where, (lost.get(where) ?? new Set()).add(rule.name));
    }
  }
  return [...lost].map(([where, rules]) => {
    const names = [...rules].map(quoted).join(', ');
    return warningAt(
      ['routes'],
      `no route takes some alerts of ${quoted(where)}: ${names}`,
      'nobody is notified of them; one without `match` at the end takes whatever is left',
    );
  });
}

function idleRoutes(alerts: readonly PossibleAlert[], routes: Routes): Finding[] {
  return routes.flatMap((route, i) => {
    const mine = alerts.filter((alert) => canMatch(route.match, alert));
    if (mine.length === 0) {
      return [
        warningAt(
          [...route.path, 'match'],
          `no alert can take route ${quoted(route.name)}`,
          'compare its globs with rules, severities and clusters',
        ),
      ];
    }
    const earlier = routes.slice(0, i).filter((other) => !other.continue);
    const takers = mine.map((alert) => earlier.find((other) => mustMatch(other.match, alert)));
    if (takers.some((taker) => !taker)) return [];
    const names = [...new Set(takers.map((taker) => quoted(taker?.name ?? '')))].join(', ');
    return [
      warningAt(
        [...route.path, 'name'],
        `route ${quoted(route.name)} never takes an alert: ${names} before it takes them all`,
        'move it up, or give the earlier one `continue: true`',
      ),
    ];
  });
}

export function alertsOf(rule: Rule, nodes: readonly Labels[], bastions: readonly string[]): PossibleAlert[] {
  const group = findMetric(rule.metric)?.group ?? 'node';
  const known: readonly Labels[] = group === 'bastion' ? bastions.map((bastion) => ({ bastion })) : nodes;
  return known
    .map((labels): PossibleAlert => {
      const free = GROUP_LABELS[group].filter((label) => !(label in labels));
      return { rule, labels: { ...labels, rule: rule.name, severity: rule.severity }, free };
    })
    .filter((alert) => canMatch(rule.where, alert) && !isLeftOut(rule.whereNot ?? {}, alert));
}

export function canMatch(globs: LabelGlobs, alert: PossibleAlert): boolean {
  return Object.entries(globs).every(
    ([label, any]) =>
      alert.free.includes(label) || any.some((glob) => matchesLabel(glob, alert.labels[label])),
  );
}

/** Whether `whereNot` covers an alert. A free label has no values but those that `where` names. */
function isLeftOut(whereNot: LabelGlobs, alert: PossibleAlert): boolean {
  return Object.entries(whereNot).some(([label, globs]) => {
    const wanted = alert.free.includes(label) ? alert.rule.where[label] : undefined;
    const isCovered = wanted?.every((one) => globs.some((glob) => globCovers(glob, one)));
    return isCovered || mustMatch({ [label]: globs }, alert);
  });
}

function mustMatch(globs: LabelGlobs, alert: PossibleAlert): boolean {
  return Object.entries(globs).every(([label, any]) =>
    any.some(
      (glob) => (/^\*+$/.test(glob) && alert.free.includes(label)) || matchesLabel(glob, alert.labels[label]),
    ),
  );
}

function matchesLabel(glob: string, value: string | undefined): boolean {
  return value !== undefined && globMatches(glob, value);
}

/** Labels of nodes that any glob names: thousands of nodes become a handful of alerts. */
function usedLabels({ rules, routes }: CoverageInput): Set<string> {
  const globs = [
    ...rules.flatMap(({ rule }) => globsOf(rule)),
    ...(routes ?? []).map((route) => route.match),
  ];
  return new Set(['cluster', ...globs.flatMap((one) => Object.keys(one))]);
}

export function globsOf({ where, whereNot = {} }: Rule): LabelGlobs[] {
  return [where, whereNot];
}

export function distinct(nodes: CoverageInput['nodes'], used: ReadonlySet<string>): Labels[] {
  const found = new Map<string, Labels>();
  for (const node of nodes) {
    const labels = Object.fromEntries(
      Object.entries(node).map(([label, value]) => [label, used.has(label) ? value : '']),
    );
    found.set(JSON.stringify(labels), labels);
  }
  return [...found.values()];
}
