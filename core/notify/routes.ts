import { hashText } from '../hash.ts';
import { labelKey, labelsMatch } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Route } from '../model/route.ts';
import type { Rule } from '../model/rule.ts';
import type { Destination } from './incident.ts';

/** The routes that take an alert: the first that matches, and those after it while `continue` says so. */
export function matchRoutes(routes: readonly Route[], rule: Rule, labels: Labels): Route[] {
  const taken: Route[] = [];
  for (const route of routes) {
    if (!labelsMatch(route.match, routedLabels(rule, labels))) continue;
    taken.push(route);
    if (!route.continue) break;
  }
  return taken;
}

/** What routes and groups see of an alert: its labels, the rule's name and severity. */
export function routedLabels(rule: Rule, labels: Labels): Labels {
  return { ...labels, rule: rule.name, severity: rule.severity };
}

/** The labels that make the group, and a short stable key of them. Labels the alert lacks are left out. */
export function groupOf(route: Route, rule: Rule, labels: Labels): { key: string; labels: Labels } {
  const all = routedLabels(rule, labels);
  const group: Record<string, string> = {};
  for (const name of route.groupBy) {
    const value = all[name];
    if (value !== undefined) group[name] = value;
  }
  return { key: hashText(labelKey(group)), labels: group };
}

/**
 * Where an alert is sent: the channels of the routes that take it, each once. The first route that names a channel decides
 * its group and timing, so that a channel is never sent one firing twice. Nowhere without a rule.
 */
export function destinationsOf(
  routes: readonly Route[],
  rule: Rule | undefined,
  labels: Labels,
): Destination[] {
  const found = new Map<string, Destination>();
  for (const route of rule ? matchRoutes(routes, rule, labels) : []) {
    const group = groupOf(route, rule as Rule, labels);
    for (const channel of route.channels) {
      if (!found.has(channel)) found.set(channel, { route, channel, group });
    }
  }
  return [...found.values()];
}
