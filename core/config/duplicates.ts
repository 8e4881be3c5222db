import { quoted } from '../text/suggestions.ts';
import { type ClusterItem, type Draft, type Item, textOf } from './draft.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';

/** Two things of one kind with one name: in the whole file, for nodes in their cluster. */
export function duplicateNames(draft: Draft): Finding[] {
  return [
    ...duplicates(draft.bastions, 'bastion'),
    ...duplicates(draft.clusters, 'cluster'),
    ...draft.clusters.flatMap((cluster) => duplicates(cluster.nodes, 'node of this cluster')),
    ...duplicates(draft.checks, 'check'),
    ...duplicates(draft.rules, 'rule'),
    ...duplicates(draft.channels, 'channel'),
    ...duplicates(draft.routes, 'route'),
    ...sameAddresses(draft.clusters),
  ];
}

export function duplicates(items: readonly Item<unknown>[] | undefined, what: string): Finding[] {
  const seen = new Map<string, Path>();
  return (items ?? []).flatMap(({ path, raw }) => {
    const name = textOf(raw, 'name');
    if (name === undefined) return [];
    const first = seen.get(name);
    if (!first) seen.set(name, [...path, 'name']);
    return first
      ? [
          {
            ...errorAt([...path, 'name'], `another ${what} is called ${quoted(name)}`, 'rename one of them'),
            first,
          },
        ]
      : [];
  });
}

/** One VM under two names is alerted twice, and is nearly always a line that was copied and not finished. */
function sameAddresses(clusters: readonly ClusterItem[]): Finding[] {
  const seen = new Map<string, Path>();
  return clusters.flatMap((cluster) =>
    cluster.nodes.flatMap(({ path, value }) => {
      if (!value) return [];
      const port = value.port ?? cluster.value?.defaults.port ?? 22;
      const key = JSON.stringify([textOf(cluster.raw, 'bastion'), value.host, port]);
      const first = seen.get(key);
      if (!first) seen.set(key, [...path, 'host']);
      const message = `another node has the address ${quoted(`${value.host}:${port}`)} behind the same bastion`;
      return first ? [{ ...warningAt([...path, 'host'], message, 'is this line a copy?'), first }] : [];
    }),
  );
}
