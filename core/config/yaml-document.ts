// The nodes of a YAML file, with aliases and merges followed by ourselves: so no alias, tag or key throws.
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
import type { Path } from './problem.ts';
import { describeSyntax, REFERENCE_NEEDS_QUOTES, type SyntaxFinding, type Text } from './yaml-errors.ts';

/** Half-open range of offsets in the text. */
export interface Range {
  start: number;
  end: number;
}

export type YamlNode = Node | null | undefined;

export interface Entry {
  key: Range;
  /** The name as the file has it; its name in the mapping may be the one that was meant. */
  written: string;
  value: YamlNode;
  /** A key that we do not know: it is reported, and is not part of the data. */
  unknown?: true;
  /** Its value is left out, as if the file had none. */
  blank?: true;
}

export interface YamlDocument {
  /** Undefined for a file without content. */
  root: YamlNode;
  /** Errors of the YAML, in the order of the file. */
  findings: SyntaxFinding[];
  /** Values that nobody can know, such as an alias without an anchor. */
  unknown: Range[];
  /** The node itself, or the one that an alias repeats. Undefined where that is not known. */
  follow(node: YamlNode): YamlNode;
  /** Entries of a mapping, those that `<<` brings in last. Callers may rename them. */
  entriesOf(map: YAMLMap): Map<string, Entry>;
  dataOf(node: YamlNode): unknown;
  /** Where a path stands, or the nearest value above it that exists; and the path as it is written. */
  locate(path: Path, at: 'key' | 'value'): { range: Range; written: Path };
  /** Line and column, from 1. */
  locationOf(offset: number): { line: number; column: number };
}

/** Far more than a fleet needs; aliases of aliases of aliases reach it in a few lines. */
const MAX_REPEATED = 1_000_000;
const MAX_DEPTH = 60;

/**
 * A reference without quotes is no YAML inside `{ }`. We exchange its braces for two characters of the same length
 * before parsing, and back after, so that this common slip hides nothing else that is wrong.
 */
const UNQUOTED = /\$\{([A-Za-z][\w-]*:[^\s{}[\],"']*)\}/g;
const OPEN = '\ue000';
const CLOSE = '\ue001';

export function readYaml(text: string): YamlDocument {
  const document = parseDocument(text.replace(UNQUOTED, `$$${OPEN}$1${CLOSE}`), {
    prettyErrors: false,
    // 'silent' would hide that a second document follows.
    logLevel: 'error',
    schema: 'core',
    merge: true,
  });
  const findings = describeSyntax(text, [...document.errors, ...document.warnings]);
  const unknown: Range[] = [];
  const contents = document.contents as YamlNode;
  const root = isScalar(contents) && contents.value === null ? undefined : (contents ?? undefined);
  const targets = surveyAliases(root, (node, [message, suggestion], isUnknown) => {
    const { start, end } = rangeOf(node);
    findings.push({ offset: start, message, suggestion, structural: false });
    if (isUnknown) unknown.push({ start, end });
  });
  findings.sort((a, b) => a.offset - b.offset);

  const entries = new Map<YAMLMap, Map<string, Entry>>();
  const follow = (node: YamlNode) => (node && targets.has(node) ? targets.get(node) : node);

  function entriesOf(map: YAMLMap): Map<string, Entry> {
    const known = entries.get(map);
    if (known) return known;
    const found = new Map<string, Entry>();
    entries.set(map, found);
    const merged: YamlNode[] = [];
    for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
      const written = keyText(key);
      if (written === '<<') merged.push(...mergedNodes(follow(value)));
      else if (written !== undefined && !found.has(written))
        found.set(written, { key: rangeOf(key), written, value });
    }
    // What a merge brings in yields to the mapping's own keys, wherever it stands.
    for (const node of merged.map(follow)) {
      for (const [name, entry] of isMap(node) ? entriesOf(node) : [])
        if (!found.has(name)) found.set(name, entry);
    }
    return found;
  }

  function dataOf(node: YamlNode): unknown {
    const target = follow(node);
    if (isSeq(target)) return target.items.map((item) => dataOf(item as YamlNode));
    if (!isMap(target)) return scalarOf(target);
    const known = [...entriesOf(target)].filter(([, entry]) => !entry.unknown);
    // Not by assignment: a key may be called `__proto__`.
    return Object.fromEntries(known.map(([name, { value, blank }]) => [name, blank ? null : dataOf(value)]));
  }

  function locate(path: Path, at: 'key' | 'value'): { range: Range; written: Path } {
    let node: YamlNode = root;
    let range = rangeOf(root);
    const written = path.map((part, depth) => {
      const parent = follow(node);
      const entry = isMap(parent) && typeof part === 'string' ? entriesOf(parent).get(part) : undefined;
      node = isSeq(parent) && typeof part === 'number' ? (parent.items[part] as YamlNode) : entry?.value;
      if (!entry && node === undefined) return part;
      const own = rangeOf(follow(node) ?? node);
      // A value that is not there has no location but its key's.
      const isKey = entry && (own.start === own.end || (at === 'key' && depth === path.length - 1));
      range = isKey ? entry.key : own;
      return entry?.written ?? part;
    });
    return { range, written };
  }

  return { root, findings, unknown, follow, entriesOf, dataOf, locate, locationOf: createLocations(text) };
}

/** Our own count of lines: the library's ends where its parser gives up. */
function createLocations(text: string): YamlDocument['locationOf'] {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return (offset) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col };
  };
}

/** What each alias repeats; undefined for values that cannot be known, which are reported. */
function surveyAliases(
  root: YamlNode,
  report: (node: Node, text: Text, isUnknown?: boolean) => void,
): Map<Node, YamlNode> {
  const targets = new Map<Node, YamlNode>();
  const anchors = new Map<string, { node: Node; size?: number }>();
  let repeated = 0;

  const giveUp = (node: Node, text: Text) => {
    report(node, text, true);
    targets.set(node, undefined);
    return 1;
  };

  /** Counts the nodes in a node, those of aliases at every use. */
  function survey(node: YamlNode, depth: number, isFlow: boolean): number {
    if (!node) return 1;
    if (isAlias(node)) {
      // Its name is not repeated in messages: an unquoted secret may start with `*`.
      const anchor = anchors.get(node.source);
      if (!anchor) return giveUp(node, NO_ANCHOR);
      if (anchor.size === undefined) return giveUp(node, INSIDE_ITSELF);
      if (repeated + anchor.size > MAX_REPEATED) return giveUp(node, TOO_MUCH);
      repeated += anchor.size;
      targets.set(node, anchor.node);
      return anchor.size;
    }
    if (depth > MAX_DEPTH) return giveUp(node, TOO_DEEP);
    const anchor: { node: Node; size?: number } = { node };
    const { anchor: name } = node as { anchor?: string };
    if (name) anchors.set(name, anchor);
    let size = 1;
    if (isScalar(node)) {
      const isPlain = isFlow && node.type === Scalar.PLAIN && typeof node.value === 'string';
      if (isPlain && (node.value as string).includes(OPEN)) report(node, REFERENCE_NEEDS_QUOTES);
    } else {
      const inside = isFlow || (node as { flow?: boolean }).flow === true;
      for (const item of isSeq(node) ? node.items : []) size += survey(item as YamlNode, depth + 1, inside);
      for (const { key, value } of isMap(node) ? (node.items as Pair<Node, Node | null>[]) : []) {
        size += survey(value, depth + 1, inside);
        const text = keyText(key);
        if (text === undefined) report(key, NO_TEXT_KEY);
        if (text !== '<<') continue;
        for (const one of mergedNodes(value && targets.has(value) ? targets.get(value) : value)) {
          const target = one && targets.has(one) ? targets.get(one) : one;
          if (one && !isMap(target)) report(target ?? one, MERGES_MAPPINGS);
        }
      }
    }
    anchor.size = size;
    return size;
  }

  survey(root, 0, false);
  return targets;
}

const NO_ANCHOR: Text = [
  'this alias has no anchor before it',
  'set the anchor, or quote a text that starts with `*`',
];
const INSIDE_ITSELF: Text = ['this alias stands inside what it repeats', 'an anchor cannot contain itself'];
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

/** The value of a scalar, null for any other node. Values of tags that we do not use (dates, binary) stay as written. */
export function scalarOf(node: YamlNode): string | number | boolean | null {
  if (!isScalar(node)) return null;
  const { value, source } = node;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : (source ?? String(value));
  return text.includes(OPEN) ? text.replaceAll(OPEN, '{').replaceAll(CLOSE, '}') : text;
}

/** A value that is not there (`host:`) or is `null`. */
export function isEmpty(node: YamlNode): boolean {
  return !isMap(node) && !isSeq(node) && scalarOf(node) === null;
}
