import type { AdapterKinds } from '../registry.ts';
import { quoted } from '../text/suggestions.ts';
import { checkCoverage } from './coverage.ts';
import { cycles } from './cycles.ts';
import { DEFAULT_CHECKS } from './defaults.ts';
import { type Draft, type Item, textOf } from './draft.ts';
import { duplicateNames } from './duplicates.ts';
import { idleMatchers } from './idle-matchers.ts';
import { lint } from './lints.ts';
import { type Finding, type Path, warningAt } from './problem.ts';
import { namesOf, unknownReferences } from './references.ts';
import { checkDefaults, ruleNames, rulesInForce } from './rule-set.ts';
import type { Reference } from './secret-text.ts';

/** Checks a file as a whole, as far as its elements are valid. */
export function crossCheck(draft: Draft, options: { nowMs?: number; kinds: AdapterKinds }): Finding[] {
  const checks = draft.checks?.flatMap(({ value }) => value ?? []) ?? DEFAULT_CHECKS;
  const rules = rulesInForce(draft, checks);
  const nodes = draft.clusters.flatMap((cluster) => {
    const name = textOf(cluster.raw, 'name') ?? '';
    return cluster.nodes.flatMap(({ value }) =>
      value ? [{ cluster: name, node: value.name, role: value.role }] : [],
    );
  });
  const routes = draft.routes?.flatMap(({ value, path }) => (value ? [{ ...value, path }] : []));
  const fleetIsValid = draft.clusters.every((cluster) => cluster.value && cluster.nodes.every(isValid));
  const references = unknownReferences(draft, ruleNames(draft, checks));
  const matchersAreWrong = references.some(
    ({ severity, path }) => severity === 'error' && path[0] === 'routes' && path[2] === 'match',
  );
  // What comes from elsewhere is not known here.
  const fleetIsKnown = fleetIsValid && draft.inventory.length === 0;
  const coverable =
    fleetIsKnown &&
    nodes.length > 0 &&
    !matchersAreWrong &&
    (draft.routes ?? []).every(isValid) &&
    !draft.unreadable.has('routes');
  const coverage = coverable
    ? checkCoverage({ rules, routes, nodes, bastions: namesOf(draft.bastions) })
    : [];
  const idle = coverable
    ? idleMatchers({
        rules,
        silences: draft.silences.filter(({ path }) => !isReported(path, references)),
        nodes,
        bastions: namesOf(draft.bastions),
        nowMs: options.nowMs,
      })
    : [];
  const lints = lint({
    draft,
    checks,
    rules,
    nodes: fleetIsKnown ? nodes : [],
    nowMs: options.nowMs,
    kinds: options.kinds,
  });
  return [
    ...duplicateNames(draft),
    ...cycles(draft),
    ...checkDefaults(draft, checks),
    ...[...references, ...coverage, ...idle, ...lints].map(
      (finding): Finding => ({ ...finding, absence: true }),
    ),
  ];
}

/** Whether a finding lies within that path already. */
function isReported(path: Path, findings: readonly Finding[]): boolean {
  return findings.some((finding) => path.every((part, i) => finding.path[i] === part));
}

function isValid(item: Item<unknown>): boolean {
  return item.value !== undefined;
}

/** References that have no value on this machine. */
export function missingValues(
  references: readonly { path: Path; reference: Reference }[],
  { available }: { available?: (reference: Reference) => boolean },
): Finding[] {
  if (!available) return [];
  return references
    .filter(({ reference }) => !available(reference))
    .map(({ path, reference }) => {
      const what = reference.kind === 'env' ? 'is not set' : 'cannot be read';
      return warningAt(
        path,
        `${quoted(reference.text)} ${what} here`,
        'it must be there when `bartizan up` starts',
      );
    });
}
