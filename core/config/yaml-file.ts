// Builds the tree ourselves rather than by the library: so it is total, no alias, tag or key throws.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
} from 'yaml';
import { describeSyntax, REFERENCE_NEEDS_QUOTES, type SyntaxFinding, type Text } from './yaml-errors.ts';
import type { Tree } from './yaml-tree.ts';

export interface YamlFile {
  /** Undefined for a file without content. */
  tree: Tree | undefined;
  /** In order of place. */
  findings: SyntaxFinding[];
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
  const lines = new LineCounter();
  const document = parseDocument(text.replace(UNQUOTED, `$$${OPEN}$1${CLOSE}`), {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
    schema: 'core',
    merge: true,
  });
  const findings = describeSyntax(text, [...document.errors, ...document.warnings]);
  const build = createBuilder((offset, [message, suggestion], valueless) => {
    findings.push({ offset, message, suggestion, structural: false, ...(valueless && { valueless }) });
  });
  const { contents } = document;
  const empty = contents === null || (isScalar(contents) && contents.value === null);
  const tree = empty ? undefined : build(contents as Node, { depth: 0, flow: false, fallback: 0 });
  findings.sort((a, b) => a.offset - b.offset);
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  return { tree, findings, placeOf };
}

interface Surroundings {
  depth: number;
  /** Inside `{ }` or `[ ]`. */
  flow: boolean;
  /** Where a value that is not there would stand. */
  fallback: number;
}

function createBuilder(report: (offset: number, text: Text, valueless?: true) => void) {
  const anchors = new Map<string, Tree | 'open'>();
  let repeated = 0;

  function build(node: Node | null | undefined, around: Surroundings): Tree {
    const [start, end] = node?.range ?? [around.fallback, around.fallback];
    const tree: Tree = { kind: 'scalar', value: null, items: [], entries: new Map(), size: 1, start, end };
    if (!node) return tree;
    if (isAlias(node)) return resolveAlias(node.source, tree);
    if (around.depth > MAX_DEPTH) {
      report(start, ['this is nested too deeply', 'nothing in a configuration goes that deep'], true);
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
        at.start,
        ['this alias has no anchor before it', 'set the anchor, or quote a text that starts with `*`'],
        true,
      );
    } else if (target === 'open') {
      report(at.start, ['this alias stands inside what it repeats', 'an anchor cannot contain itself'], true);
    } else if (repeated + target.size > MAX_REPEATED) {
      report(at.start, ['aliases repeat too much', 'write out what is needed'], true);
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
    if (flow && node.type === Scalar.PLAIN && value.includes(OPEN))
      report(tree.start, REFERENCE_NEEDS_QUOTES);
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
      if (from.kind !== 'map')
        report(from.start, ['`<<` merges mappings only', 'write `<<: *name` of a mapping']);
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
      report(start, ['a key must be a plain text', 'quote a key that starts with `{`, `[`, `*` or `&`']);
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
