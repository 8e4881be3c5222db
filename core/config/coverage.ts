// Whether every alert has a route and every route an alert. Labels that only a probe knows (mount, device) are free:
// they may have any value.
import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { globMatches } from '../labels.ts';
import type { LabelGlobs, Labels, Rule } from '../model.ts';
import { errorAt, type Finding, type Path, quoted, warningAt } from './problem.ts';

/** What a rule can alert on: labels that are known, the other labels of its metric, and where it is written. */
export interface Place {
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

export function judgeCoverage(input: CoverageInput): Finding[] {
  const nodes = distinct(input.nodes, usedLabels(input));
  const places = input.rules.map(({ rule, path }) => ({
    path,
    rule,
    places: placesOf(rule, nodes, input.bastions),
  }));
  const idle = places
    .filter((entry) => entry.places.length === 0)
    .map(({ path, rule }) =>
      warningAt(
        [...path, 'where'],
        `rule ${quoted(rule.name)} matches nothing that is watched`,
        'compare its globs with clusters, nodes and roles',
      ),
    );
  const { routes } = input;
  if (!routes) return idle;
  const known = places.filter((entry) => entry.places.length > 0);
  return [
    ...idle,
    ...known.flatMap((entry) => unrouted(entry, routes)),
    ...uncovered(known, routes),
    ...idleRoutes(
      known.flatMap((entry) => entry.places),
      routes,
    ),
  ];
}

type Routes = NonNullable<CoverageInput['routes']>;

function unrouted(
  { path, rule, places }: { path: Path; rule: Rule; places: Place[] },
  routes: Routes,
): Finding[] {
  if (places.some((place) => routes.some((route) => canMatch(route.match, place)))) return [];
  return [
    errorAt(
      path.length > 0 ? [...path, 'name'] : ['routes'],
      `no route takes alerts of rule ${quoted(rule.name)} (severity \`${rule.severity}\`)`,
      'add a route that matches it; one without `match` at the end takes whatever is left',
    ),
  ];
}

/** Clusters whose alerts a rule sends, for other clusters, but not for them. */
function uncovered(known: readonly { rule: Rule; places: Place[] }[], routes: Routes): Finding[] {
  const lost = new Map<string, Set<string>>();
  for (const { rule, places } of known) {
    const taken = (place: Place) => routes.some((route) => canMatch(route.match, place));
    if (!places.some(taken)) continue;
    for (const place of places.filter((one) => !taken(one))) {
      const where = place.labels.cluster ?? place.labels.bastion ?? '';
      lost.set(where, (lost.get(where) ?? new Set()).add(rule.name));
    }
  }
  return [...lost].map(([where, rules]) => {
    const names = [...rules].map(quoted).join(', ');
    return warningAt(
      ['routes'],
      `no route takes some alerts of ${quoted(where)}: ${names}`,
      'nobody will be told; one without `match` at the end takes whatever is left',
    );
  });
}

function idleRoutes(places: readonly Place[], routes: Routes): Finding[] {
  return routes.flatMap((route, i) => {
    const mine = places.filter((place) => canMatch(route.match, place));
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
    const takers = mine.map((place) => earlier.find((other) => mustMatch(other.match, place)));
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

export function placesOf(rule: Rule, nodes: readonly Labels[], bastions: readonly string[]): Place[] {
  const group = findMetric(rule.metric)?.group ?? 'node';
  const known: readonly Labels[] = group === 'bastion' ? bastions.map((bastion) => ({ bastion })) : nodes;
  return known
    .map((labels): Place => {
      const free = GROUP_LABELS[group].filter((label) => !(label in labels));
      return { rule, labels: { ...labels, rule: rule.name, severity: rule.severity }, free };
    })
    .filter((place) => canMatch(rule.where, place));
}

export function canMatch(globs: LabelGlobs, place: Place): boolean {
  return Object.entries(globs).every(
    ([label, any]) =>
      place.free.includes(label) || any.some((glob) => matchesLabel(glob, place.labels[label])),
  );
}

function mustMatch(globs: LabelGlobs, place: Place): boolean {
  return Object.entries(globs).every(([label, any]) =>
    any.some(
      (glob) => (/^\*+$/.test(glob) && place.free.includes(label)) || matchesLabel(glob, place.labels[label]),
    ),
  );
}

function matchesLabel(glob: string, value: string | undefined): boolean {
  return value !== undefined && globMatches(glob, value);
}

/** Which of a node's labels any glob looks at: thousands of nodes become a handful of places. */
function usedLabels({ rules, routes }: CoverageInput): Set<string> {
  const globs = [...rules.map(({ rule }) => rule.where), ...(routes ?? []).map((route) => route.match)];
  return new Set(['cluster', ...globs.flatMap((one) => Object.keys(one))]);
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
