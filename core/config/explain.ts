// zod's issues in words an operator can act on. A schema's own text wins; it may carry its suggestion behind a
// semicolon: `what is wrong; what to write instead`.
import type { z } from 'zod';
import { itemAt, type JsonSchema } from './fields.ts';
import { choose, errorAt, type Finding, type Path, quoted } from './problem.ts';

export type FieldLookup = (path: Path) => JsonSchema | undefined;

export interface Validated<T> {
  value: T | undefined;
  findings: Finding[];
}

const NO_TEXT = { error: () => ' ' };

/**
 * Validates one element. When fields of it are wrong, checks of the element as a whole still run on what is left
 * without them, so that one round of corrections is enough.
 */
export function validate<T>(
  schema: z.ZodType<T>,
  raw: unknown,
  path: Path,
  fieldOf: FieldLookup,
): Validated<T> {
  const first = schema.safeParse(raw, NO_TEXT);
  if (first.success) return { value: first.data, findings: [] };
  const findings = first.error.issues.map((issue) => explain(issue, raw, path, fieldOf));
  const wrong = new Set(first.error.issues.map((issue) => String(issue.path[0] ?? '')));
  if (wrong.has('') || typeof raw !== 'object' || raw === null) return { value: undefined, findings };
  const rest = Object.fromEntries(Object.entries(raw).filter(([key]) => !wrong.has(key)));
  const second = schema.safeParse(rest, NO_TEXT);
  if (second.success) return { value: second.data, findings };
  const more = second.error.issues.filter(({ path: [key] }) => key !== undefined && !wrong.has(String(key)));
  return {
    value: undefined,
    findings: [...findings, ...more.map((issue) => explain(issue, raw, path, fieldOf))],
  };
}

function explain(issue: z.core.$ZodIssue, raw: unknown, base: Path, fieldOf: FieldLookup): Finding {
  const inner = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const path = [...base, ...inner];
  const field = fieldOf(path);
  const value = inner.reduce<unknown>(
    (at, part) => (at as Record<string | number, unknown> | undefined)?.[part],
    raw,
  );
  const name = nameOf(inner, fieldOf([...base, ...inner.slice(0, -1)]));
  if (value === undefined && inner.length > 0) {
    return { ...errorAt(path, `${name} is missing`, hint(field)), absence: true };
  }
  if (value === null) return errorAt(path, `${name} is empty`, hint(field));
  const own = issue.message.trim();
  const mismatch = shapeMismatch(issue, value, field);
  if (mismatch) return errorAt(path, ...mismatch);
  if (own) {
    const cut = own.indexOf('; ');
    return cut < 0 ? errorAt(path, own, undefined) : errorAt(path, own.slice(0, cut), own.slice(cut + 2));
  }
  return errorAt(path, ...words(issue, value, name, field));
}

/** Keys of our own are named; others may be anything, and are seen in the path where they can be. */
function nameOf(path: Path, parent: JsonSchema | undefined): string {
  const last = path.at(-1);
  return typeof last === 'string' && Object.hasOwn(parent?.properties ?? {}, last) ? `\`${last}\`` : 'this';
}

/** What a field wants, for one that is missing or empty. */
function hint(field: JsonSchema | undefined): string | undefined {
  if (!field) return undefined;
  if (field.enum) return `one of: ${field.enum.map((value) => `\`${value}\``).join(', ')}`;
  const example = field.examples?.[0];
  const text = field.description ?? '';
  return example === undefined ? text || undefined : `${text ? `${text}, ` : ''}for example \`${example}\``;
}

type Words = [message: string, suggestion?: string | undefined];

/** A list or mapping where a single value is due, or the other way round; the wrong kind of scalar. */
function shapeMismatch(
  issue: z.core.$ZodIssue,
  value: unknown,
  field: JsonSchema | undefined,
): Words | undefined {
  const secret = field?.writeOnly === true;
  const container = typeof value === 'object';
  if (container && issue.code !== 'custom' && isScalarField(field)) {
    return [`one value is expected, not ${kindOf(value)}`, hint(field)];
  }
  if (issue.code !== 'invalid_type' || issue.message.trim() !== '') return undefined;
  const { expected } = issue;
  const wanted = EXPECTED[expected] ?? expected;
  const message = `${wanted} is expected, not ${kindOf(value)}`;
  const text = String(value);
  if (secret || text.length > 40) return [message, hint(field)];
  if (expected === 'string' && !container) return [message, `put it in quotes: \`"${text}"\``];
  if ((expected === 'number' || expected === 'int') && typeof value === 'string') {
    return [message, /^-?\d+(\.\d+)?$/.test(text) ? `leave out the quotes: \`${text}\`` : hint(field)];
  }
  if (expected === 'boolean') {
    if (/^(y|yes|on|true|1)$/i.test(text)) return [message, 'did you mean `true`?'];
    if (/^(n|no|off|false|0)$/i.test(text)) return [message, 'did you mean `false`?'];
  }
  const item = field && itemAt(field, 0);
  if (expected === 'array' && !container && isScalarField(item) && !item?.writeOnly) {
    return [message, `write a list: \`[${text}]\``];
  }
  return [message, hint(field)];
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

function words(issue: z.core.$ZodIssue, value: unknown, name: string, field: JsonSchema | undefined): Words {
  const shown = field?.writeOnly === true || typeof value === 'object' ? name : quoted(String(value));
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
