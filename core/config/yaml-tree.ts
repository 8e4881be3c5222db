// A YAML file as data that keeps where each key and value stands.
import type { Path } from './problem.ts';

/** Half-open range of offsets in the text. */
export interface Range {
  start: number;
  end: number;
}

export interface Entry {
  key: Range;
  /** As written; differs from its name in the mapping when a slip of the pen was seen through. */
  written: string;
  tree: Tree;
  /** Nothing we know: reported, and not part of the data. */
  unknown?: true;
}

/** A value and where it stands. Scalars hold `value`, lists `items`, mappings `entries`. */
export interface Tree extends Range {
  kind: 'scalar' | 'list' | 'map';
  value: string | number | boolean | null;
  items: Tree[];
  entries: Map<string, Entry>;
  /** Nodes in it, aliases counted at every use. */
  size: number;
}

/** The plain data of a tree. */
export function dataOf(tree: Tree): unknown {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'list':
      return tree.items.map(dataOf);
    case 'map':
      // Not by assignment: a key may be called `__proto__`.
      return Object.fromEntries(
        [...tree.entries]
          .filter(([, entry]) => !entry.unknown)
          .map(([name, entry]) => [name, dataOf(entry.tree)]),
      );
  }
}

/** A place where there is no value (yet). */
export function blankTree({ start, end }: Range): Tree {
  return { kind: 'scalar', value: null, items: [], entries: new Map(), size: 1, start, end };
}

/** Stands for what is not shown. */
export const HIDDEN = '…';

/** A value that is not there (`host:`) or is `null`. */
export function isEmpty(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.value === null;
}

/** Where a path stands, or the nearest thing above it that does; and the path as it was written. */
export function locate(tree: Tree, path: Path, at: 'key' | 'value'): { range: Range; written: Path } {
  let current: Tree | undefined = tree;
  let range: Range = tree;
  const written = path.map((part, depth) => {
    const entry: Entry | undefined = typeof part === 'string' ? current?.entries.get(part) : undefined;
    current = typeof part === 'number' ? current?.items[part] : entry?.tree;
    if (!current) return part;
    // What is not there has no place but its key's.
    const key = entry && (current.start === current.end || (at === 'key' && depth === path.length - 1));
    range = key ? entry.key : current;
    return entry?.written ?? part;
  });
  return { range, written };
}
