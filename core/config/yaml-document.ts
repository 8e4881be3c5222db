// Reads a YAML file into nodes and data. We follow aliases and merges ourselves, so that no alias, tag or key makes it throw.
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
  type YAMLMap,
} from 'yaml';
import { isData } from './fields.ts';
import { describeSyntax, REFERENCE_NEEDS_QUOTES, type SyntaxFinding, type Text } from './yaml-errors.ts';

/** Half-open range of offsets in the text. */
export interface Range {
  start: number;
  end: number;
}

export type YamlNode = Node | null | undefined;

export interface Entry {
  key: Range;
  value: YamlNode;
}

export interface YamlDocument {
  /** Undefined for a file without content. */
  root: YamlNode;
  /** The data of the file. Each alias has its own copy; an unknown value is `null`. */
  data: unknown;
  /** Errors of the YAML, in the order of the file. */
  findings: SyntaxFinding[];
  /** Ranges of values that nobody can know, such as an alias without an anchor. */
  unknown: Range[];
  hasAliases: boolean;
  /** The node itself, or the one that an alias repeats. Undefined when it is unknown. */
  follow(node: YamlNode): YamlNode;
  /** Entries of a mapping as the file writes them, then those that `<<` merges. */
  entriesOf(map: YAMLMap): Map<string, Entry>;
  /** Line and column, from 1. */
  locationOf(offset: number): { line: number; column: number };
}

/** Nodes that aliases may repeat. A fleet needs far fewer; a few lines of nested aliases can make more. */
const MAX_REPEATED = 1_000_000;
const MAX_DEPTH = 60;

/**
 * A reference without quotes is no YAML inside `{ }`. We replace its braces by two other characters before parsing, and put them
 * back after, so that this common mistake hides no other error.
 */
const UNQUOTED = /\$\{([A-Za-z][\w-]*:[^\s{}[\],"']*)\}/g;
const OPEN = '\ue000';
const CLOSE = '\ue001';

export function readYaml(text: string): YamlDocument {
  const document = parseDocument(text.replace(UNQUOTED, `$$${OPEN}$1${CLOSE}`), {
    prettyErrors: false,
    // With 'silent' the library would not report a second document.
    logLevel: 'error',
    schema: 'core',
    merge: true,
  });
  const findings = describeSyntax(text, [...document.errors, ...document.warnings]);
  const unknown: Range[] = [];
  const contents = document.contents as YamlNode;
  const root = isScalar(contents) && contents.value === null ? undefined : (contents ?? undefined);
  /** The node that each alias repeats. Undefined for each unknown value. */
  const targets = new Map<Node, YamlNode>();
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();
  // Without aliases there are fewer nodes than characters.
  let left = text.length + MAX_REPEATED;

  const reported = new Set<Node>();

  const report = (node: Node, [message, suggestion]: Text) => {
    if (reported.has(node)) return;
    reported.add(node);
    findings.push({ offset: rangeOf(node).start, message, suggestion, structural: false });
  };
  const giveUp = (node: Node, text: Text) => {
    report(node, text);
    unknown.push(rangeOf(node));
    targets.set(node, undefined);
  };
  const follow = (node: YamlNode) => (node && targets.has(node) ? targets.get(node) : node);

  function resolveAlias(node: Node & { source: string }): YamlNode {
    if (!targets.has(node)) targets.set(node, anchors.get(node.source));
    const target = targets.get(node);
    // No message contains the name: an unquoted secret may start with `*`.
    if (!target) giveUp(node, NO_ANCHOR);
    else if (open.has(target)) giveUp(node, INSIDE_ITSELF);
    else if (left < 0) giveUp(node, TOO_MUCH);
    return targets.get(node);
  }

  function dataOf(written: YamlNode, depth: number, isFlow: boolean): unknown {
    const node = isAlias(written) ? resolveAlias(written) : written;
    left--;
    if (!node) return null;
    if (depth > MAX_DEPTH) {
      giveUp(node, TOO_DEEP);
      return null;
    }
    const { anchor, flow } = node as { anchor?: string; flow?: boolean };
    if (anchor !== undefined && node === written) anchors.set(anchor, node);
    if (isScalar(node)) {
      const value = scalarOf(node);
      const isPlain = isFlow && node.type === Scalar.PLAIN && typeof node.value === 'string';
      if (isPlain && node.value !== value) report(node, REFERENCE_NEEDS_QUOTES);
      return value;
    }
    open.add(node);
    const inside = isFlow || flow === true;
    const data = isSeq(node)
      ? node.items.map((item) => dataOf(item as YamlNode, depth + 1, inside))
      : mappingOf(node as YAMLMap, depth + 1, inside);
    open.delete(node);
    return data;
  }

  function mappingOf(map: YAMLMap, depth: number, isFlow: boolean): unknown {
    const fields = new Map<string, unknown>();
    const merged: unknown[] = [];
    for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
      const name = keyText(key);
      const data = dataOf(value, depth, isFlow);
      if (name === undefined) report(key, NO_TEXT_KEY);
      else if (name === '<<') {
        for (const one of [data].flat()) merged.push(one);
        for (const one of mergedNodes(follow(value)))
          if (one && !isMap(follow(one))) report(follow(one) ?? one, MERGES_MAPPINGS);
      } else if (!fields.has(name)) fields.set(name, data);
    }
    // Own keys win over merged ones.
    for (const [name, data] of merged.filter(isData).flatMap((one) => Object.entries(one)))
      if (!fields.has(name)) fields.set(name, data);
    // An assignment would lose a key named `__proto__`.
    return Object.fromEntries(fields);
  }

  const entries = new Map<YAMLMap, Map<string, Entry>>();
  function entriesOf(map: YAMLMap): Map<string, Entry> {
    const known = entries.get(map);
    if (known) return known;
    const found = new Map<string, Entry>();
    entries.set(map, found);
    const merged: YamlNode[] = [];
    for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
      const name = keyText(key);
      if (name === '<<') for (const one of mergedNodes(follow(value))) merged.push(follow(one));
      else if (name !== undefined && !found.has(name)) found.set(name, { key: rangeOf(key), value });
    }
    for (const [name, entry] of merged.filter(isMap).flatMap((node) => [...entriesOf(node)]))
      if (!found.has(name)) found.set(name, entry);
    return found;
  }

  const data = dataOf(root, 0, false);
  findings.sort((a, b) => a.offset - b.offset);
  const hasAliases = targets.size > 0;
  return { root, data, findings, unknown, hasAliases, follow, entriesOf, locationOf: createLocations(text) };
}

/** Counts lines ourselves: the library stops counting when its parser gives up. */
function createLocations(text: string): YamlDocument['locationOf'] {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return (offset) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col };
  };
}

const NO_ANCHOR: Text = [
  'this alias has no anchor before it',
  'set the anchor, or quote a text that starts with `*`',
];
const INSIDE_ITSELF: Text = [
  'this alias is inside the value that it repeats',
  'an anchor cannot contain itself',
];
const TOO_MUCH: Text = ['aliases repeat too much', 'write out what is needed'];
const TOO_DEEP: Text = ['this is nested too deeply', 'nothing in a configuration goes that deep'];
const MERGES_MAPPINGS: Text = ['`<<` merges mappings only', 'write `<<: *name` of a mapping'];
const NO_TEXT_KEY: Text = ['a key must be a plain text', 'quote a key that starts with `{`, `[`, `*` or `&`'];

function mergedNodes(value: YamlNode): YamlNode[] {
  return isSeq(value) ? (value.items as YamlNode[]) : [value];
}

function keyText(key: YamlNode): string | undefined {
  return isScalar(key) ? String(scalarOf(key)) : undefined;
}

export function rangeOf(node: YamlNode): Range {
  const [start, end] = node?.range ?? [0, 0];
  return { start, end };
}

/** The value of a scalar. Values of tags that we do not use (dates, binary) stay texts. */
function scalarOf(node: Scalar): string | number | boolean | null {
  const { value, source } = node;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : (source ?? String(value));
  return text.includes(OPEN) ? text.replaceAll(OPEN, '{').replaceAll(CLOSE, '}') : text;
}
