// Unknown keys, where references may stand, and what may be shown of a file.
import {
  fieldFor,
  holdsScalar,
  isSecret,
  itemAt,
  type JsonSchema,
  type Properties,
  propertyAt,
} from './fields.ts';
import { choose, errorAt, type Finding, nearest, type Path, quoted } from './problem.ts';
import {
  findReferences,
  isReferenceKind,
  nameProblem,
  REFERENCE_FORMS,
  REFERENCE_KINDS,
  type Reference,
} from './secret-text.ts';
import { blankTree, HIDDEN, isEmpty, type Range, type Tree } from './yaml-tree.ts';

export interface Inspection {
  findings: Finding[];
  /** Keys we know and values that are not secret are shown; secret values are not; the rest is unknown. */
  marks: (Range & { shown: boolean })[];
  references: { path: Path; reference: Reference }[];
  /** Values left out, and not told of: their key is a guess, and might be that of a secret. */
  quiet: Range[];
}

/**
 * Walks a tree along the schema. A key that is clearly a slip of the pen (`rol`) is reported, and the tree goes on
 * under the name that was meant, so that it is not missed and its value is checked as well, except among secrets;
 * any other unknown key is taken out.
 */
export function inspect(tree: Tree, schema: JsonSchema): Inspection {
  const result: Inspection = { findings: [], marks: [], references: [], quiet: [] };
  walk(tree, schema, [], result);
  result.marks.push(...result.quiet.map(({ start, end }) => ({ start, end, shown: false })));
  return result;
}

function walk(tree: Tree, schema: JsonSchema, path: Path, result: Inspection): void {
  const field = fieldFor(schema, tree);
  if (field.writeOnly) result.marks.push({ start: tree.start, end: tree.end, shown: false });
  if (tree.kind === 'scalar') {
    inspectScalar(tree, field, path, result);
    return;
  }
  tree.items.forEach((item, i) => {
    const inner = itemAt(field, i);
    if (inner) walk(item, inner, [...path, i], result);
  });
  if (field.properties && field.additionalProperties === false) {
    resolveKeys(tree, field.properties, path, result);
  }
  for (const [name, entry] of tree.entries) {
    const inner = entry.unknown ? undefined : propertyAt(field, name);
    if (!inner) continue;
    const printable = Object.hasOwn(field.properties ?? {}, name) || looksLikeKey(name, entry.tree);
    if (printable) result.marks.push({ ...entry.key, shown: true });
    else entry.written = HIDDEN;
    walk(entry.tree, inner, [...path, name], result);
  }
}

function resolveKeys(tree: Tree, properties: Properties, path: Path, result: Inspection): void {
  const known = Object.keys(properties);
  const secrets = Object.values(properties).some(isSecret);
  for (const [name, entry] of [...tree.entries]) {
    if (known.includes(name) || entry.unknown) continue;
    const possible = known.filter((key) => !tree.entries.has(key));
    const meant = nearest(name, possible);
    const printable = meant !== undefined || looksLikeKey(name, entry.tree);
    if (meant === undefined) {
      tree.entries.set(name, { ...entry, unknown: true, written: printable ? name : HIDDEN });
    } else {
      tree.entries.delete(name);
      tree.entries.set(meant, secrets ? { ...entry, tree: blankTree(entry.tree) } : entry);
      if (secrets) result.quiet.push(entry.tree);
    }
    if (printable) result.marks.push({ ...entry.key, shown: true });
    const message = printable ? `unknown key ${quoted(name)}` : 'unknown key, or a `:` is missing';
    const suggestion = choose(name, possible, 'possible here') ?? 'take it out';
    result.findings.push({ ...errorAt([...path, meant ?? name], message, suggestion), at: 'key' });
  }
}

/** Without its colon a secret ends up as a key: what has no value, or is no word, is not repeated. */
function looksLikeKey(name: string, value: Tree): boolean {
  return /^[\p{L}\p{N}_.-]{1,40}$/u.test(name) && !isEmpty(value);
}

function inspectScalar(tree: Tree, field: JsonSchema, path: Path, result: Inspection): void {
  const { value } = tree;
  const secret = field.writeOnly === true;
  const listed = itemAt(field, 0);
  const expected = holdsScalar(field) || (holdsScalar(listed) && !listed?.writeOnly);
  const key = typeof value === 'string' && value.includes('PRIVATE KEY');
  if (!secret && expected && !key) result.marks.push({ start: tree.start, end: tree.end, shown: true });
  if (typeof value !== 'string' || !value.includes('${')) return;
  let rest = value;
  for (const reference of findReferences(value)) {
    rest = rest.replace(reference.text, '');
    const problem = referenceProblem(reference, secret);
    if (problem) result.findings.push(errorAt(path, ...problem));
    else result.references.push({ path, reference });
  }
  if (secret && rest.includes('${'))
    result.findings.push(errorAt(path, 'this is not a reference', `write ${REFERENCE_FORMS}`));
}

function referenceProblem(reference: Reference, allowed: boolean): [string, string | undefined] | undefined {
  const { kind, name, text } = reference;
  // What merely looks like a reference may hold anything.
  const shown = quoted(isReferenceKind(kind) ? text : `\${${kind}:…}`);
  if (!allowed)
    return [`${shown} is not resolved here`, 'references stand where secrets do; write the value itself'];
  if (!isReferenceKind(kind))
    return [`unknown reference ${shown}`, choose(kind, REFERENCE_KINDS, 'there are')];
  const problem = nameProblem({ kind, name });
  return problem === undefined ? undefined : [problem, `write ${REFERENCE_FORMS}`];
}
