import { quoted } from '../text/suggestions.ts';
import { type ClusterItem, type Draft, type Item, textOf, textOrTextsOf } from './draft.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';
import { takenNames } from './rule-names.ts';

/** Finds names that two elements of one kind have. Names of nodes are unique in their cluster, others in the file. */
export function* duplicateNames(draft: Draft): Generator<Finding> {
  for (const { nodes } of draft.clusters) yield* duplicates(nodes, 'node of this cluster');
  for (const what of ['bastion', 'cluster', 'command', 'check', 'channel', 'route'] as const)
    yield* duplicates(draft[`${what}s`], what);
  yield* duplicates(draft.rules, 'rule', takenNames);
  yield* sameAddresses(draft.clusters);
}

/** @param namesOf the names that an element takes; with tiers a rule takes several */
export function* duplicates(
  items: readonly Item<unknown>[] = [],
  what: string,
  namesOf: (raw: unknown) => readonly string[] = (raw) => [textOf(raw, 'name') ?? []].flat(),
): Generator<Finding> {
  const seen = new Map<string, Path>();
  for (const { path, raw } of items) {
    const at = [...path, 'name'];
    const names = namesOf(raw);
    const name = names.find((one) => seen.has(one));
    for (const free of names.filter((one) => !seen.has(one))) seen.set(free, at);
    if (name === undefined) continue;
    const first = seen.get(name);
    const finding = errorAt(at, `another ${what} is called ${quoted(name)}`, 'rename one of them');
    yield { ...finding, ...(first && { first }) };
  }
}

/** A VM with two names alerts twice. Nearly always somebody copied a line and did not finish it. */
function* sameAddresses(clusters: readonly ClusterItem[]): Generator<Finding> {
  const seen = new Map<string, Path>();
  for (const cluster of clusters) {
    const bastion = textOrTextsOf(cluster.raw, 'bastion').map(({ text }) => text);
    for (const { path, value } of cluster.nodes) {
      if (!value) continue;
      const address = `${value.host}:${value.port ?? cluster.value?.defaults.port ?? 22}`;
      const key = JSON.stringify([bastion, address]);
      const at = [...path, 'host'];
      const first = seen.get(key);
      const message = `another node has the address ${quoted(address)} behind the same bastion`;
      if (!first) seen.set(key, at);
      else yield { ...warningAt(at, message, 'is this line a copy?'), first };
    }
  }
}
