import { nearest } from '../text/suggestions.ts';
import type { Draft } from './draft.ts';
import { valueAt } from './fields.ts';
import { mayBeInventoryLabel } from './inventory-labels.ts';
import { type InventoryNames, ROUTED_LABELS } from './matchers.ts';

/**
 * A source may bring any label, which no file names; but a name that is nearly another one is probably misspelt.
 */
export function inventoryNames({
  clusters,
  inventory,
}: Pick<Draft, 'clusters' | 'inventory'>): InventoryNames {
  const names = labelNamesOf(
    clusters.map(({ raw }) => raw),
    inventory.map(({ raw }) => raw),
  );
  const known = new Set(names);
  const mayComeFromSource = (name: string) =>
    mayBeInventoryLabel(name) && nearest(name, [...ROUTED_LABELS, ...names]) === undefined;
  return { names, has: (name) => known.has(name) || (inventory.length > 0 && mayComeFromSource(name)) };
}

/** Sorted, whatever else is wrong with clusters and nodes. */
function labelNamesOf(clusters: readonly unknown[], sources: readonly unknown[]): string[] {
  const names = new Set<string>();
  const add = (raw: unknown, field = 'labels') => {
    const labels = valueAt(raw, field);
    if (typeof labels === 'object' && labels !== null)
      for (const name of Object.keys(labels)) if (mayBeInventoryLabel(name)) names.add(name);
  };
  for (const cluster of clusters) {
    add(cluster);
    const nodes = valueAt(cluster, 'nodes');
    if (Array.isArray(nodes)) for (const node of nodes) add(node);
  }
  for (const source of sources) for (const field of ['clusterLabels', 'nodeLabels']) add(source, field);
  return [...names].sort();
}
