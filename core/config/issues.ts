// Turns zod's issues into sentences that an operator can act on. A message in the schema wins; it may have a suggestion behind a
// semicolon: `what is wrong; what to write instead`.

import type { z } from 'zod';
import { likelyNumber } from '../text/likely-values.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { KIND_SECTIONS } from './config-schema.ts';
import { fieldAt, holdsScalar, itemAt, type JsonSchema, valueAt } from './fields.ts';
import { errorAt, type Finding, type Path } from './problem.ts';

type Issue = z.core.$ZodIssue;
type Message = [message: string, suggestion?: string | undefined];

/** Replaces zod's own messages: any other message comes from our schema. */
export const NO_TEXT = { error: () => ' ' };

/** Describes the issues that a schema has with data. The JSON Schema of the same schema gives hints. */
export function describeIssues(issues: readonly Issue[], data: unknown, schema: JsonSchema): Finding[] {
  return issues.flatMap((issue) => leaves(issue, data)).map((issue) => describe(issue, data, schema));
}

/** The causes of an issue. Among alternatives they are those of the one that the value looks like. */
function leaves(issue: Issue, data: unknown): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  if (issue.errors.length === 0) return [issue, ...baseIssues(issue.path as Path, data)];
  if (issue.message.trim() !== '') return [issue];
  const looksLike = (branch: readonly Issue[]) =>
    !branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
  const branch = issue.errors.find(looksLike) ?? issue.errors[0] ?? [];
  return branch.flatMap((inner) => leaves({ ...inner, path: [...issue.path, ...inner.path] }, data));
}

/** Issues of the fields that all kinds share, when the kind of an element is unknown. */
function baseIssues(path: Path, data: unknown): Issue[] {
  const at = path.slice(0, -1);
  const { base } = KIND_SECTIONS[path[0] as keyof typeof KIND_SECTIONS];
  const { error } = base.strip().safeParse(at.reduce(valueAt, data), NO_TEXT);
  return (error?.issues ?? []).map((issue) => ({ ...issue, path: [...at, ...issue.path] }));
}

function describe(issue: Issue, data: unknown, schema: JsonSchema): Finding {
  const path = issue.path as Path;
  const field = fieldAt(schema, data, path);
  const value = path.reduce(valueAt, data);
  const parent = fieldAt(schema, data, path.slice(0, -1));
  const name = nameOf(path, parent);
  if (issue.code === 'invalid_union' && issue.errors.length === 0) return unknownKind(issue, value);
  if (value === undefined && path.length > 0)
    return { ...errorAt(path, `${name} is missing`, hint(field)), absence: true };
  if (value === null) {
    const isNeeded = parent?.required?.includes(String(path.at(-1))) || path.join() === 'clusters';
    return errorAt(path, `${name} is empty`, isNeeded ? hint(field) : emptyHint(field));
  }
  const own = issue.message.trim();
  const mismatch = shapeMismatch(issue, value, field);
  if (mismatch) return errorAt(path, ...mismatch);
  if (own === '') return errorAt(path, ...messageOf(issue, value, name, field));
  const [message = '', suggestion = wantsNumber(issue) ? numberHint(value) : undefined] = splitMessage(own);
  // A mapping as a whole is wrong because it lacks something.
  const isAbsence = issue.code === 'custom' && typeof value === 'object';
  const isKey = issue.code === 'custom' && issue.params?.at === 'key';
  return {
    ...errorAt(path, message, suggestion),
    ...(isAbsence && { absence: true }),
    ...(isKey && { at: 'key' as const }),
  };
}

/** What is wrong, and after a semicolon what to do. */
export function splitMessage(text: string): string[] {
  const cut = text.indexOf('; ');
  return cut < 0 ? [text] : [text.slice(0, cut), text.slice(cut + 2)];
}

function unknownKind(issue: z.core.$ZodIssueInvalidUnion, value: unknown): Finding {
  const path = issue.path as Path;
  const key = String(path.at(-1));
  const kinds = ((issue as { options?: unknown[] }).options ?? []).map(String);
  const known = `one of: ${kinds.map((kind) => `\`${kind}\``).join(', ')}`;
  if (value === undefined) return { ...errorAt(path, `\`${key}\` is missing`, known), absence: true };
  if (typeof value !== 'string') return errorAt(path, `\`${key}\` is a text`, known);
  const what = key === 'type' ? `${String(path[0]).replace(/s$/, '')} type` : key;
  return errorAt(path, `there is no ${what} ${quoted(value)}`, choose(value, kinds, 'one of'));
}

/** Names a key of the schema. Any other key may be a secret; the path has it when it may be shown. */
function nameOf(path: Path, parent: JsonSchema | undefined): string {
  const last = path.at(-1);
  return typeof last === 'string' && Object.hasOwn(parent?.properties ?? {}, last) ? `\`${last}\`` : 'this';
}

/** What to write for a missing or empty field. */
function hint(field: JsonSchema | undefined): string | undefined {
  if (!field) return undefined;
  if (field.enum) return `one of: ${field.enum.map((value) => `\`${value}\``).join(', ')}`;
  const example = field.examples?.[0];
  const text = field.description ?? '';
  return example === undefined ? text || undefined : `${text ? `${text}, ` : ''}for example \`${example}\``;
}

function emptyHint(field: JsonSchema | undefined): string | undefined {
  return field?.items ? 'leave the key out for the default, or write `[]` for none' : hint(field);
}

/** A list or mapping instead of a single value, or the other way round, or the wrong kind of scalar. */
function shapeMismatch(issue: Issue, value: unknown, field: JsonSchema | undefined): Message | undefined {
  const isContainer = typeof value === 'object';
  if (isContainer && issue.code !== 'custom' && isScalarField(field))
    return [`one value is expected, not ${kindOf(value)}`, hint(field)];
  if (issue.code !== 'invalid_type' || issue.message.trim() !== '') return undefined;
  const { expected } = issue;
  const message = `${EXPECTED[expected] ?? expected} is expected, not ${kindOf(value)}`;
  return [message, shapeHint(expected, value, field) ?? hint(field)];
}

function shapeHint(expected: string, value: unknown, field: JsonSchema | undefined): string | undefined {
  const item = field && itemAt(field, 0);
  const isShown = typeof value !== 'object' && String(value).length <= 40 && !field?.writeOnly;
  if (expected === 'array' && item && !holdsScalar(item)) return 'start each element with `- `';
  if (!isShown) return undefined;
  const text = String(value);
  switch (expected) {
    case 'string':
      return `put it in quotes: \`"${text}"\``;
    case 'number':
    case 'int':
      return numberHint(value);
    case 'boolean':
      if (/^(true|false)$/.test(text)) return `leave out the quotes: \`${text}\``;
      if (/^(y|yes|on|true|1)$/i.test(text)) return 'did you mean `true`?';
      return /^(n|no|off|false|0)$/i.test(text) ? 'did you mean `false`?' : undefined;
    case 'array':
      return isScalarField(item) && !item?.writeOnly ? `write a list: \`[${text}]\`` : undefined;
    default:
      return undefined;
  }
}

/** Whether the schema expects a number here, perhaps among others. */
function wantsNumber(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return issue.expected === 'number' || issue.expected === 'int';
  return (
    issue.code === 'invalid_union' &&
    issue.errors.some((branch) => branch.some((inner) => inner.path.length === 0 && wantsNumber(inner)))
  );
}

function numberHint(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= 40 ? likelyNumber(value) : undefined;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  tuple: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'boolean') return `\`${value}\``;
  return Number.isInteger(value) ? 'a whole number' : 'such a number';
}

function isScalarField(field: JsonSchema | undefined): boolean {
  return ['string', 'number', 'integer', 'boolean'].includes(String(field?.type)) && !field?.anyOf;
}

function messageOf(issue: Issue, value: unknown, name: string, field: JsonSchema | undefined): Message {
  const shown = field?.writeOnly || typeof value === 'object' ? name : quoted(String(value));
  switch (issue.code) {
    case 'invalid_value':
      return [`${shown} is not possible here`, choose(String(value), issue.values.map(String), 'one of')];
    case 'too_small':
      if (issue.origin === 'array') return [`${name} is an empty list`, hint(field)];
      if (issue.origin === 'string') return [`${name} is empty`, hint(field)];
      return [`${shown} is too small`, `${issue.minimum} is the least`];
    case 'too_big':
      if (issue.origin === 'string') return [`${name} is too long`, `${issue.maximum} characters at most`];
      return [`${shown} is too great`, `${issue.maximum} is the most`];
    case 'invalid_union':
      return [`${name} cannot be ${kindOf(value)}`, hint(field)];
    default:
      return [`${shown} is not right`, hint(field)];
  }
}
