// Unknown keys, references out of place, and which parts of a file an excerpt may show.

import { isMap, isSeq } from 'yaml';
import { choose, nearest, quoted } from '../text/suggestions.ts';
import { HIDDEN, type Mark } from './excerpt.ts';
import {
  fieldFor,
  holdsScalar,
  isSecret,
  itemAt,
  type JsonSchema,
  type Properties,
  propertyAt,
} from './fields.ts';
import { errorAt, type Finding, type Path } from './problem.ts';
import {
  findReferences,
  isReferenceKind,
  nameProblem,
  REFERENCE_FORMS,
  REFERENCE_KINDS,
  type Reference,
} from './secret-text.ts';
import {
  type Entry,
  isEmpty,
  type Range,
  rangeOf,
  scalarOf,
  type YamlDocument,
  type YamlNode,
} from './yaml-document.ts';

export interface Inspection {
  findings: Finding[];
  /** An excerpt shows known keys and values that are not secret. */
  marks: Mark[];
  references: { path: Path; reference: Reference }[];
  /** Values under a misspelt key that might be that of a secret: nothing is said of them. */
  quiet: Range[];
}

/**
 * Walks a document along the schema. A key that is clearly a slip of the pen (`rol`) is reported, and the document goes on
 * under the name that was meant, so that the field is not missed and its value is checked as well, except among secrets.
 * Any other unknown key is taken out.
 */
export function inspect(document: YamlDocument, schema: JsonSchema): Inspection {
  const { follow, entriesOf } = document;
  const result: Inspection = { findings: [], marks: [], references: [], quiet: [] };
  const { findings, marks, quiet } = result;

  function walk(node: YamlNode, schemaHere: JsonSchema, path: Path): void {
    const target = follow(node);
    const entries = isMap(target) ? entriesOf(target) : undefined;
    const field = fieldFor(schemaHere, (key) => scalarOf(follow(entries?.get(key)?.value)));
    const range = rangeOf(target ?? node);
    if (field.writeOnly) marks.push({ ...range, shown: false });
    if (isSeq(target)) {
      target.items.forEach((item, i) => {
        const inner = itemAt(field, i);
        if (inner) walk(item as YamlNode, inner, [...path, i]);
      });
    } else if (entries) {
      if (field.properties && field.additionalProperties === false)
        resolveKeys(entries, field.properties, path);
      for (const [name, entry] of entries) {
        const inner = entry.unknown ? undefined : propertyAt(field, name);
        if (!inner) continue;
        if (Object.hasOwn(field.properties ?? {}, name) || looksLikeKey(name, entry))
          marks.push({ ...entry.key, shown: true });
        else entry.written = HIDDEN;
        if (!entry.blank) walk(entry.value, inner, [...path, name]);
      }
    } else inspectScalar(scalarOf(target), range, field, path);
  }

  function resolveKeys(entries: Map<string, Entry>, properties: Properties, path: Path): void {
    const known = Object.keys(properties);
    const unknown = [...entries].filter(([name, entry]) => !known.includes(name) && !entry.unknown);
    const hasSecrets = unknown.length > 0 && Object.values(properties).some(isSecret);
    for (const [name, entry] of unknown) {
      const possible = known.filter((key) => !entries.has(key));
      const meant = nearest(name, possible);
      const isShown = meant !== undefined || looksLikeKey(name, entry);
      if (meant === undefined) {
        entries.set(name, { ...entry, unknown: true, written: isShown ? name : HIDDEN });
      } else {
        entries.delete(name);
        entries.set(meant, hasSecrets ? { ...entry, blank: true } : entry);
        if (hasSecrets) quiet.push(rangeOf(follow(entry.value) ?? entry.value));
      }
      if (isShown) marks.push({ ...entry.key, shown: true });
      const message = isShown ? `unknown key ${quoted(name)}` : 'unknown key, or a `:` is missing';
      const suggestion = choose(name, possible, 'possible here') ?? 'take it out';
      findings.push({ ...errorAt([...path, meant ?? name], message, suggestion), at: 'key' });
    }
  }

  /** Without its colon a secret ends up as a key: a key without a value, or that is no word, is not repeated. */
  function looksLikeKey(name: string, { value }: Entry): boolean {
    return /^[\p{L}\p{N}_.-]{1,40}$/u.test(name) && !isEmpty(follow(value));
  }

  function inspectScalar(value: unknown, range: Range, field: JsonSchema, path: Path): void {
    const isSecretField = field.writeOnly === true;
    const item = itemAt(field, 0);
    const isExpected = holdsScalar(field) || (holdsScalar(item) && !item?.writeOnly);
    const isKey = typeof value === 'string' && value.includes('PRIVATE KEY');
    if (!isSecretField && isExpected && !isKey) marks.push({ ...range, shown: true });
    const found = checkReferences(value, path, isSecretField);
    findings.push(...found.findings);
    result.references.push(...found.references);
  }

  walk(document.root, schema, []);
  marks.push(...quiet.map((range) => ({ ...range, shown: false })));
  return result;
}

/** The references of a value, and what is wrong with them: they are resolved only where secrets stand. */
export function checkReferences(
  value: unknown,
  path: Path,
  isSecretField: boolean,
): Pick<Inspection, 'findings' | 'references'> {
  if (typeof value !== 'string' || !value.includes('${')) return NO_REFERENCES;
  const findings: Finding[] = [];
  const references: Inspection['references'] = [];
  let rest = value;
  for (const reference of findReferences(value)) {
    rest = rest.replace(reference.text, '');
    const problem = referenceProblem(reference, isSecretField);
    if (problem) findings.push(errorAt(path, ...problem));
    else references.push({ path, reference });
  }
  if (isSecretField && rest.includes('${'))
    findings.push(errorAt(path, 'this is not a reference', `write ${REFERENCE_FORMS}`));
  return { findings, references };
}

const NO_REFERENCES = { findings: [], references: [] };

function referenceProblem(
  reference: Reference,
  isAllowed: boolean,
): [string, string | undefined] | undefined {
  const { kind, name, text } = reference;
  // What merely looks like a reference may hold anything.
  const shown = quoted(isReferenceKind(kind) ? text : `\${${kind}:…}`);
  if (!isAllowed)
    return [`${shown} is not resolved here`, 'references stand where secrets do; write the value itself'];
  if (!isReferenceKind(kind))
    return [`unknown reference ${shown}`, choose(kind, REFERENCE_KINDS, 'there are')];
  const problem = nameProblem({ kind, name });
  return problem === undefined ? undefined : [problem, `write ${REFERENCE_FORMS}`];
}
