// Finds unknown keys, and references where none belongs.

import { choose, nearest, quoted } from '../text/suggestions.ts';
import { fieldFor, isData, isSecret, itemAt, type JsonSchema, propertyAt, valueAt } from './fields.ts';
import { errorAt, type Finding, type Path } from './problem.ts';
import {
  findReferences,
  isReferenceKind,
  nameProblem,
  REFERENCE_FORMS,
  REFERENCE_KINDS,
  type Reference,
} from './secret-text.ts';

/** The media type in the schema of a field that is a script. */
export const SHELL_SCRIPT = 'text/x-shellscript';

/** The name of a key in the file, when the data has another name or messages must hide it. */
export interface WrittenKey {
  written: string;
  isHidden: boolean;
}

export interface Inspection {
  findings: Finding[];
  references: { path: Path; reference: Reference }[];
  /** By mapping of the data, then by name in the data. */
  keys: Map<unknown, Map<string, WrittenKey>>;
  /** Values under a misspelt key that may mean a secret: no finding is about them. */
  quiet: Path[];
}

/**
 * Walks the data along the schema, reports unknown keys, and corrects the data in place. The value of a misspelt key (`rol`) moves
 * to the key that was meant: so the field is not reported as missing, and its value is checked as well. In a mapping with secrets
 * the value becomes `null`. Any other unknown key is deleted.
 */
export function inspect(root: unknown, schema: JsonSchema): Inspection {
  const findings: Finding[] = [];
  const references: Inspection['references'] = [];
  const keys: Inspection['keys'] = new Map();
  const quiet: Path[] = [];
  const path: (string | number)[] = [];

  function walk(value: unknown, schemaHere: JsonSchema): void {
    const isText = typeof value === 'string' && value.includes('${');
    if (!isText && (typeof value !== 'object' || value === null)) return;
    const field = fieldFor(schemaHere, (key) => valueAt(value, key));
    if (isText) {
      checkReferences(value, field);
      return;
    }
    if (isData(value)) checkKeys(value, field);
    const parts = Array.isArray(value) ? value.keys() : Object.keys(value);
    for (const part of parts) {
      const inner = typeof part === 'number' ? itemAt(field, part) : propertyAt(field, part);
      if (!inner) continue;
      path.push(part);
      walk(valueAt(value, part), inner);
      path.pop();
    }
  }

  /** Only fields for secrets resolve references. */
  function checkReferences(text: string, { writeOnly, contentMediaType }: JsonSchema): void {
    const isSecretField = writeOnly === true;
    const here = [...path];
    let end = 0;
    let rest = '';
    for (const reference of findReferences(text)) {
      if (contentMediaType === SHELL_SCRIPT && isExpansion(reference)) continue;
      rest += text.slice(end, reference.index);
      end = reference.index + reference.text.length;
      const problem = referenceProblem(reference, isSecretField);
      if (problem) findings.push(errorAt(here, ...problem));
      else references.push({ path: here, reference });
    }
    if (isSecretField && `${rest}${text.slice(end)}`.includes('${'))
      findings.push(errorAt(here, 'this is not a reference', `write ${REFERENCE_FORMS}`));
  }

  function checkKeys(data: Record<string, unknown>, field: JsonSchema): void {
    const properties = field.properties ?? {};
    const others = Object.keys(data).filter((name) => !Object.hasOwn(properties, name));
    const isStrict = field.properties !== undefined && field.additionalProperties === false;
    for (const name of others) {
      const isHidden = !looksLikeKey(name, data[name]);
      if (isStrict) resolveKey(data, name, isHidden, properties);
      else if (isHidden) noteKey(data, name, { written: name, isHidden });
    }
  }

  function resolveKey(
    data: Record<string, unknown>,
    name: string,
    isHidden: boolean,
    properties: NonNullable<JsonSchema['properties']>,
  ): void {
    const possible = Object.keys(properties).filter((key) => !Object.hasOwn(data, key));
    const meant = nearest(name, possible);
    const isShown = meant !== undefined || !isHidden;
    noteKey(data, meant ?? name, { written: name, isHidden: !isShown });
    const message = isShown ? `unknown key ${quoted(name)}` : 'unknown key, or a `:` is missing';
    const suggestion = choose(name, possible, 'possible here') ?? 'take it out';
    findings.push({ ...errorAt([...path, meant ?? name], message, suggestion), at: 'key' });
    const isDoubtful = meant !== undefined && Object.values(properties).some(isSecret);
    if (isDoubtful) quiet.push([...path, meant]);
    if (meant !== undefined) data[meant] = isDoubtful ? null : data[name];
    delete data[name];
  }

  function noteKey(data: unknown, name: string, key: WrittenKey): void {
    keys.set(data, (keys.get(data) ?? new Map()).set(name, key));
  }

  walk(root, schema);
  return { findings, references, keys, quiet };
}

/** A secret without its colon becomes a key. So messages repeat no key that has no value, or has other characters than a name. */
function looksLikeKey(name: string, value: unknown): boolean {
  return value !== null && /^[\p{L}\p{N}_.-]{1,40}$/u.test(name);
}

/** In a script `${NAME:-default}` and the like are parameters of the shell (POSIX, 2.6.2). */
function isExpansion({ kind, name }: Reference): boolean {
  return !isReferenceKind(kind) || /^[-=?+]/.test(name);
}

function referenceProblem(
  reference: Reference,
  isAllowed: boolean,
): [string, string | undefined] | undefined {
  const { kind, name, text } = reference;
  // A text that merely looks like a reference may hold a secret.
  const shown = quoted(isReferenceKind(kind) ? text : `\${${kind}:…}`);
  if (!isAllowed)
    return [
      `${shown} is not resolved here`,
      'only fields for secrets take references; write the value itself',
    ];
  if (!isReferenceKind(kind))
    return [`unknown reference ${shown}`, choose(kind, REFERENCE_KINDS, 'there are')];
  const problem = nameProblem({ kind, name });
  return problem === undefined ? undefined : [problem, `write ${REFERENCE_FORMS}`];
}
