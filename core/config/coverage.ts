// Whether every alert has a route, and whether routes, globs, silences and inhibitions have an alert.

import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { isWithoutCluster, namesCluster, namesNode } from '../evaluate/alert-labels.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import { quoted, quotedList } from '../text/suggestions.ts';
import { textOf, textsOf } from './draft.ts';
import {
  alertsOf,
  canMatch,
  distinctNodes,
  type Fleet,
  mustMatch,
  type PossibleAlert,
  seriesOf,
} from './possible-alerts.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';
import { isMeant } from './rule-names.ts';
import { type RuleInForce, writtenPath } from './rule-set.ts';

export interface CoverageInput extends Fleet {
  rules: readonly RuleInForce[];
  /** Undefined without the section: then one route takes all alerts. */
  routes: readonly { name: string; match: LabelGlobs; continue: boolean; path: Path }[] | undefined;
  /** Without those that are over. */
  silences: readonly { match: LabelGlobs; path: Path }[];
}

type Routes = NonNullable<CoverageInput['routes']>;
type Covered = RuleInForce & { alerts: PossibleAlert[] };

export function* checkCoverage(input: CoverageInput): Generator<Finding> {
  const { rules, routes, silences, bastions } = input;
  const ruleGlobs = rules.flatMap(({ rule: { where, whereNot = {}, inventory = {} } }) => [
    ...[where, whereNot, inventory.where ?? {}, inventory.whereNot ?? {}],
  ]);
  const matchers = [...(routes ?? []), ...silences].map(({ match }) => match);
  const fleet = { nodes: distinctNodes(input.nodes, [...ruleGlobs, ...matchers]), bastions };
  const covered = rules.map((entry) => ({ ...entry, alerts: seriesOf(entry.rule, fleet) }));
  for (const entry of onePerRule(covered.filter(({ path }) => path.length > 0))) {
    const { whereNot: _whereNot, inventory: { where } = {}, ...rule } = entry.rule;
    yield* idleGlobs(entry, seriesOf({ ...rule, ...(where && { inventory: { where } }) }, fleet));
  }
  if (routes) {
    const known = covered.filter(({ alerts }) => alerts.length > 0);
    yield* unroutedAlerts(known, routes);
    yield* idleRoutes(
      known.flatMap(({ alerts }) => alerts),
      routes,
    );
  }
  const alerts = rules.flatMap(({ rule }) => alertsOf(rule, fleet));
  for (const { path, match } of silences.filter(
    (one) => !alerts.some((alert) => canMatch(one.match, alert)),
  )) {
    yield warningAt(
      [...path, 'match'],
      'this silence matches no alert that there can be',
      `compare ${Object.keys(match).map(quoted).join(', ')} with rules, severities, clusters and nodes`,
    );
  }
  yield* idleInhibitions(rules, fleet.nodes);
  yield* idleSupersessions(rules);
}

/** Tiers share all but what an alert fires at. */
function onePerRule<T extends RuleInForce>(rules: readonly T[]): T[] {
  const written = new Set<unknown>();
  return rules.filter(({ raw }) => {
    const isFirst = !written.has(raw);
    written.add(raw);
    return isFirst;
  });
}

/** @param wanted the alerts that the rule could have without `whereNot` */
function* idleGlobs(
  { path, raw, rule, alerts }: Covered,
  wanted: readonly PossibleAlert[],
): Generator<Finding> {
  const compare = 'compare its globs with clusters, nodes and roles';
  const name = quoted(textOf(raw, 'name') ?? rule.name);
  if (wanted.length === 0) {
    const message = `rule ${name} matches nothing that is watched`;
    yield warningAt([...path, 'where'], message, compare);
  } else if (alerts.length === 0) {
    const message = `\`whereNot\` leaves rule ${name} nothing that is watched`;
    yield warningAt([...path, 'whereNot'], message, compare);
  } else {
    for (const [label, globs] of Object.entries({ ...rule.whereNot, ...rule.inventory?.whereNot })) {
      if (wanted.some((alert) => canMatch({ [label]: globs }, alert))) continue;
      yield warningAt([...path, 'whereNot', label], 'this leaves out nothing that is watched', compare);
    }
  }
}

/** Finds rules whose alerts no route takes, and clusters some of whose alerts no route takes. */
function* unroutedAlerts(known: readonly Covered[], routes: Routes): Generator<Finding> {
  const isTaken = (alert: PossibleAlert) => routes.some((route) => canMatch(route.match, alert));
  const rulesByOwner = new Map<string, Set<string>>();
  const defaults: string[] = [];
  for (const entry of known) {
    const { rule, alerts } = entry;
    const lost = alerts.filter((alert) => !isTaken(alert));
    if (lost.length === alerts.length && entry.path.length === 0) {
      defaults.push(rule.name);
      continue;
    }
    if (lost.length === alerts.length) {
      yield errorAt(
        writtenPath(entry, ['name']) ?? ['routes'],
        `no route takes alerts of rule ${quoted(rule.name)} (severity \`${rule.severity}\`)`,
        'add a route that matches it; one without `match` at the end takes whatever is left',
      );
      continue;
    }
    for (const { labels } of lost) {
      const owner = labels.cluster ?? labels.bastion ?? '';
      rulesByOwner.set(owner, (rulesByOwner.get(owner) ?? new Set()).add(rule.name));
    }
  }
  // A release may bring new ones, which must not keep the program from starting.
  if (defaults.length > 0)
    yield warningAt(
      ['routes'],
      `no route takes alerts of ${namedDefaults(defaults)}`,
      'nobody is notified of them; one without `match` at the end takes whatever is left',
    );
  for (const [owner, rules] of rulesByOwner) {
    yield warningAt(
      ['routes'],
      `no route takes some alerts of ${quoted(owner)}: ${[...rules].map(quoted).join(', ')}`,
      'nobody is notified of them; one without `match` at the end takes whatever is left',
    );
  }
}

function namedDefaults(names: readonly string[]): string {
  const [first = ''] = names;
  return names.length === 1 ? `the default rule ${quoted(first)}` : `the default rules ${quotedList(names)}`;
}

function* idleRoutes(alerts: readonly PossibleAlert[], routes: Routes): Generator<Finding> {
  for (const [i, { name, match, path }] of routes.entries()) {
    const mine = alerts.filter((alert) => canMatch(match, alert));
    const earlier = routes.slice(0, i).filter((other) => !other.continue);
    const takers = mine.map((alert) => earlier.find((other) => mustMatch(other.match, alert))?.name);
    if (mine.length === 0) {
      yield warningAt(
        [...path, 'match'],
        `no alert can take route ${quoted(name)}`,
        'compare its globs with rules, severities and clusters',
      );
    } else if (!takers.includes(undefined)) {
      const names = [...new Set(takers.map((taker) => quoted(taker ?? '')))].join(', ');
      yield warningAt(
        [...path, 'name'],
        `route ${quoted(name)} never takes an alert: ${names} before it takes them all`,
        'move it up, or give the earlier one `continue: true`',
      );
    }
  }
}

/** Only a firing alert of the same cluster and node inhibits. */
function* idleInhibitions(rules: readonly RuleInForce[], nodes: readonly Labels[]): Generator<Finding> {
  for (const { rule, path, raw } of onePerRule(rules.filter((one) => one.path.length > 0))) {
    for (const { at, text } of textsOf(raw, 'inhibitedBy')) {
      const other = rules.find((candidate) => isMeant(text, candidate.rule.name))?.rule;
      // `cycles.ts` reports rules on bastions that inhibit rules on nodes, without knowing the fleet.
      if (!other || isWithoutCluster(other) || isWithoutCluster(rule) || canShare(rule, other, nodes))
        continue;
      yield warningAt(
        [...path, ...at],
        `${quoted(text)} never keeps this quiet: no alert of it has the cluster and node of one of these`,
        'compare `where` and `aggregate.by` of the two rules',
      );
    }
  }
}

/** Only a firing alert with the very labels supersedes. */
function* idleSupersessions(rules: readonly RuleInForce[]): Generator<Finding> {
  for (const { rule, path, raw } of onePerRule(rules.filter((one) => one.path.length > 0))) {
    for (const { at, text } of textsOf(raw, 'supersededBy')) {
      const other = rules.find((candidate) => isMeant(text, candidate.rule.name))?.rule;
      if (!other || labelNames(other) === labelNames(rule)) continue;
      yield warningAt(
        [...path, ...at],
        `${quoted(text)} never keeps this quiet: its alerts have other labels`,
        'write it under `inhibitedBy`, which compares cluster and node',
      );
    }
  }
}

function labelNames({ metric, aggregate }: Rule): string {
  const group = findMetric(metric)?.group;
  return [...(aggregate?.by ?? (group ? GROUP_LABELS[group] : []))].sort().join();
}

/** Whether alerts of the two can have the same cluster and node; another finding reports a rule that matches nothing. */
function canShare(a: Rule, b: Rule, nodes: readonly Labels[]): boolean {
  const [ofA, ofB] = [a, b].map((rule) =>
    nodes.filter((node) => seriesOf(rule, { nodes: [node], bastions: [] }).length > 0),
  ) as [Labels[], Labels[]];
  if (ofA.length === 0 || ofB.length === 0) return true;
  if (namesCluster(a) !== namesCluster(b) || namesNode(a) !== namesNode(b)) return false;
  if (!namesCluster(a)) return true;
  if (namesNode(a)) return ofA.some((node) => ofB.includes(node));
  return ofA.some(({ cluster }) => ofB.some((node) => node.cluster === cluster));
}
