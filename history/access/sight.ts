import { globMatches } from '../../core/labels.ts';
import type { LabelGlobs, Labels } from '../../core/model/labels.ts';
import type { Matcher } from '../../core/model/silence.ts';
import type { Target } from '../../core/model/target.ts';
import { createInventoryLabels } from '../../core/stages/inventory-labels.ts';
import { compileSelector } from './selector.ts';

/** What a selector shows of one fleet. */
export interface Sight {
  /** The nodes that it shows. */
  targets: readonly Target[];
  /**
   * Whether a series or an alert with these labels is shown. What the inventory says of its node or cluster today counts, and
   * where it has that no more, what it said when the alert fired.
   */
  sees(labels: Labels, inventoryLabels?: Labels): boolean;
  /** Globs on labels of series that leave out much of what is not shown, and nothing that is. */
  where: LabelGlobs;
}

/** Queries with more names cost a store more than what they leave out. */
const MOST_NAMES = 200;

/** Globs are the texts between wildcards: a name that has some cannot be asked for. */
const WILDCARD = /[*?]/;

export function createSight(selector: readonly Matcher[], targets: readonly Target[]): Sight {
  const matches = compileSelector(selector);
  const names = [...new Set(selector.map(({ name }) => name))];
  // The inventory says of a node its role too, which not all series and alerts of it have.
  const find = createInventoryLabels(
    targets.map((target) => ({ ...target, labels: { ...target.labels, role: target.role } })),
  );
  const ofInventory = new Set(names.filter((name) => targets.some(({ labels }) => labelOf(labels, name))));
  const sees = (labels: Labels, inventoryLabels?: Labels) => {
    const said = find(labels) ?? inventoryLabels;
    const seen: Record<string, string> = {};
    for (const name of names) {
      // Nodes choose labels of some series: what is the inventory's to say, they cannot say of themselves.
      const value = labelOf(said, name) ?? (ofInventory.has(name) ? undefined : labelOf(labels, name));
      if (value !== undefined) seen[name] = value;
    }
    return matches(seen);
  };
  const shown = targets.filter(({ cluster, node }) => sees({ cluster, node }));
  return { targets: shown, sees, where: globsOf(selector, ofInventory, shown) };
}

function labelOf(labels: Labels | undefined, name: string): string | undefined {
  return labels && Object.hasOwn(labels, name) ? labels[name] : undefined;
}

/** All series that are shown have the label cluster where the selector is about labels of the inventory. */
function globsOf(
  selector: readonly Matcher[],
  ofInventory: ReadonlySet<string>,
  shown: readonly Target[],
): LabelGlobs {
  const where: Record<string, readonly string[]> = {};
  for (const { name, op, value } of selector)
    if ((name === 'cluster' || name === 'node') && op === '=' && !WILDCARD.test(value)) where[name] = [value];
  const clusters = [...new Set(shown.map(({ cluster }) => cluster))];
  const mayName = clusters.length <= MOST_NAMES && !clusters.some((name) => WILDCARD.test(name));
  if (where.cluster === undefined && ofInventory.size > 0 && mayName) where.cluster = clusters;
  return where;
}

/** Both conditions in one, or undefined where nothing can match both. It may match more than both do. */
export function bothGlobs(asked: LabelGlobs | undefined, names: LabelGlobs): LabelGlobs | undefined {
  const both: Record<string, readonly string[]> = { ...asked };
  for (const [label, values] of Object.entries(names)) {
    const globs = asked?.[label];
    both[label] = globs ? values.filter((value) => globs.some((glob) => globMatches(glob, value))) : values;
    if (both[label].length === 0) return undefined;
  }
  return both;
}
