// Builds the tree ourselves rather than by the library: so it is total, no alias, tag or key throws.
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, Scalar } from 'yaml';
import { describeSyntax, REFERENCE_NEEDS_QUOTES, type SyntaxFinding, type Text } from './yaml-errors.ts';
import { blankTree, type Range, type Tree } from './yaml-tree.ts';

export interface YamlFile {
  /** Undefined for a file without content. */
  tree: Tree | undefined;
  /** In order of place. */
  findings: SyntaxFinding[];
  /** Where a value should be and none is known, as of an alias without anchor. */
  unknown: Range[];
  /** Line and column from 1. */
  placeOf: (offset: number) => { line: number; column: number };
}

/** Far more than a fleet needs; aliases of aliases of aliases reach it in a few lines. */
const MAX_REPEATED = 1_000_000;
const MAX_DEPTH = 60;

/**
 * A reference without quotes is no YAML inside `{ }`. Its braces are exchanged for two characters of the same
 * length before parsing, and back after, so that this common slip hides nothing else that is wrong.
 */
const UNQUOTED = /\$\{([A-Za-z][\w-]*:[^\s{}[\],"']*)\}/g;
const OPEN = '\ue000';
const CLOSE = '\ue001';

export function readYaml(text: string): YamlFile {
  const document = parseDocument(text.replace(UNQUOTED, `$$${OPEN}$1${CLOSE}`), {
    prettyErrors: false,
    // 'silent' would hide that a second document follows.
    logLevel: 'error',
    schema: 'core',
    merge: true,
  });
  const findings = describeSyntax(text, [...document.errors, ...document.warnings]);
  const unknown: Range[] = [];
  const build = createBuilder((at, [message, suggestion], what) => {
    findings.push({ offset: at.start, message, suggestion, structural: false });
    if (what === 'unknown') unknown.push({ start: at.start, end: at.end });
  });
  const { contents } = document;
  const empty = contents === null || (isScalar(contents) && contents.value === null);
  const tree = empty ? undefined : build(contents as Node, { depth: 0, flow: false, fallback: 0 });
  findings.sort((a, b) => a.offset - b.offset);
  return { tree, findings, unknown, placeOf: createPlaces(text) };
}

/** Our own count of lines: the library's ends where its parser gives up. */
function createPlaces(text: string): YamlFile['placeOf'] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: Math.min(offset, text.length) - (starts[low] ?? 0) + 1 };
  };
}

interface Surroundings {
  depth: number;
  /** Inside `{ }` or `[ ]`. */
  flow: boolean;
  /** Where a value that is not there would stand. */
  fallback: number;
}

function createBuilder(report: (at: Range, text: Text, what?: 'unknown') => void) {
  const anchors = new Map<string, Tree | 'open'>();
  let repeated = 0;

  function build(node: Node | null | undefined, around: Surroundings): Tree {
    const [start, end] = node?.range ?? [around.fallback, around.fallback];
    const tree = blankTree({ start, end });
    if (!node) return tree;
    if (isAlias(node)) return resolveAlias(node.source, tree);
    if (around.depth > MAX_DEPTH) {
      report(tree, ['this is nested too deeply', 'nothing in a configuration goes that deep'], 'unknown');
      return tree;
    }
    const { anchor } = node as { anchor?: string };
    if (anchor) anchors.set(anchor, 'open');
    if (isScalar(node)) fillScalar(tree, node, around.flow);
    else fillCollection(tree, node, around);
    if (anchor) anchors.set(anchor, tree);
    return tree;
  }

  /** Its name is not repeated in messages: an unquoted secret may start with `*`. */
  function resolveAlias(name: string, at: Tree): Tree {
    const target = anchors.get(name);
    if (target === undefined) {
      report(
        at,
        ['this alias has no anchor before it', 'set the anchor, or quote a text that starts with `*`'],
        'unknown',
      );
    } else if (target === 'open') {
      report(at, ['this alias stands inside what it repeats', 'an anchor cannot contain itself'], 'unknown');
    } else if (repeated + target.size > MAX_REPEATED) {
      report(at, ['aliases repeat too much', 'write out what is needed'], 'unknown');
    } else {
      repeated += target.size;
      return target;
    }
    return at;
  }

  function fillScalar(tree: Tree, node: Scalar, flow: boolean): void {
    const value = plainValue(node);
    tree.value = value;
    if (typeof value !== 'string') return;
    if (flow && node.type === Scalar.PLAIN && value.includes(OPEN)) report(tree, REFERENCE_NEEDS_QUOTES);
    tree.value = restore(value);
  }

  function fillCollection(tree: Tree, node: Node, around: Surroundings): void {
    const inside = {
      depth: around.depth + 1,
      flow: around.flow || (node as { flow?: boolean }).flow === true,
      fallback: tree.start,
    };
    const merged: Tree[] = [];
    if (isSeq(node)) {
      tree.kind = 'list';
      tree.items = node.items.map((item) => build(item as Node, inside));
    } else if (isMap(node)) {
      tree.kind = 'map';
      for (const pair of node.items) addPair(tree, pair as Pair<Node, Node | null>, inside, merged);
    }
    // What a merge brings in yields to the mapping's own keys, wherever it stands.
    for (const from of merged) {
      if (from.kind !== 'map') report(from, ['`<<` merges mappings only', 'write `<<: *name` of a mapping']);
      for (const [name, entry] of from.entries) if (!tree.entries.has(name)) tree.entries.set(name, entry);
    }
    const parts = [...tree.items, ...[...tree.entries.values()].map((entry) => entry.tree)];
    tree.size += parts.reduce((sum, part) => sum + part.size, 0);
  }

  function addPair(tree: Tree, pair: Pair<Node, Node | null>, inside: Surroundings, merged: Tree[]): void {
    const [start, end] = pair.key?.range ?? [tree.start, tree.start];
    const value = build(pair.value, { ...inside, fallback: end });
    const name = isScalar(pair.key) ? restore(String(plainValue(pair.key))) : undefined;
    if (name === undefined) {
      report({ start, end }, [
        'a key must be a plain text',
        'quote a key that starts with `{`, `[`, `*` or `&`',
      ]);
    } else if (name === '<<') {
      merged.push(...(value.kind === 'list' ? value.items : [value]));
    } else if (!tree.entries.has(name)) {
      tree.entries.set(name, { key: { start, end }, written: name, tree: value });
    }
  }

  return build;
}

function restore(text: string): string {
  return text.replaceAll(OPEN, '{').replaceAll(CLOSE, '}');
}

/** Values of tags we do not use (dates, binary) stay as they were written. */
function plainValue({ value, source }: Scalar): Tree['value'] {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return source ?? String(value);
}
