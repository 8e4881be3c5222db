import { nodeKey } from '../evaluate/identity.ts';
import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/labels.ts';
import type { Target } from '../model/target.ts';
import type { Transition } from '../model/transition.ts';

/**
 * What the inventory says of the node that labels name, or of the cluster where they name no node. Empty: it gives no labels;
 * undefined: it lacks the node or cluster.
 */
export type InventoryLabels = (labels: Labels) => Labels | undefined;

const NONE: Labels = {};

/** Costs nothing where no target has labels. A cluster has those labels in which all its nodes agree. */
export function createInventoryLabels(targets: readonly Target[]): InventoryLabels {
  if (!targets.some(({ labels }) => labels)) return () => NONE;
  let nodes: Map<string | undefined, Labels> | undefined;
  let clusters: Map<string, Labels> | undefined;
  return ({ cluster, node }) => {
    if (cluster === undefined) return undefined;
    if (node !== undefined) {
      nodes ??= new Map(targets.map((target) => [nodeKey(own(target)), target.labels ?? NONE]));
      return nodes.get(nodeKey({ cluster, node }));
    }
    clusters ??= labelsOfClusters(targets);
    return clusters.get(cluster);
  };
}

function own({ cluster, node }: Target): Labels {
  return { cluster, node };
}

function labelsOfClusters(targets: readonly Target[]): Map<string, Labels> {
  const clusters = new Map<string, Labels>();
  for (const { cluster, labels = {} } of targets) {
    const common = clusters.get(cluster);
    // Most nodes share the very object of their cluster.
    if (common === labels) continue;
    const agreed = Object.entries(common ?? labels).filter(([name, value]) => labels[name] === value);
    clusters.set(cluster, common ? Object.fromEntries(agreed) : labels);
  }
  return clusters;
}

/**
 * The alert and its transitions with what the inventory says now. An alert that fires keeps what it fired with, so that its
 * messages go on where they began; so does one whose node has left the inventory.
 */
export function withInventoryLabels(
  alert: Alert,
  transitions: readonly Transition[],
  stored: Alert | undefined,
  find: InventoryLabels,
): { alert: Alert; transitions: readonly Transition[] } {
  const now = find(alert.labels);
  const isSameFiring = stored?.status === 'firing' && !transitions.some(({ kind }) => kind === 'firing');
  const kept = isSameFiring ? stored.inventoryLabels : (now ?? stored?.inventoryLabels);
  return { alert: labelled(alert, kept), transitions: transitions.map((one) => labelled(one, kept)) };
}

function labelled<T extends { inventoryLabels?: Labels }>(one: T, inventoryLabels: Labels = NONE): T {
  return Object.keys(inventoryLabels).length > 0 ? { ...one, inventoryLabels } : one;
}
