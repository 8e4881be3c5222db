// Reads what the JSON Schema of the configuration has about a field.
import type { z } from 'zod';
import type { Path } from './problem.ts';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** Reads the value under a key of the mapping that a schema describes. */
type ReadValue = (key: string) => unknown;

/** Whether a field is a secret, or contains one. */
export function isSecret(field: JsonSchema | boolean | undefined): boolean {
  if (typeof field !== 'object') return false;
  return field.writeOnly === true || isSecret(propertyAt(field, '')) || isSecret(itemAt(field, 0));
}

/** The schema of a value. Among alternatives it is the one with the constant of the value, else a merge of all. */
export function fieldFor(schema: JsonSchema, read: ReadValue): JsonSchema {
  const branches = (schema.oneOf ?? schema.anyOf ?? []) as JsonSchema[];
  if (branches.length === 0) return schema;
  const chosen = branches.filter((branch) => hasConstants(branch, read));
  const merged: JsonSchema = { ...schema };
  for (const branch of chosen.length > 0 ? chosen : branches) {
    const { properties, ...rest } = fieldFor(branch, read);
    const before = Object.entries(merged.properties ?? {});
    Object.assign(merged, rest);
    // A field that is secret in one alternative is secret in the merge.
    const secret = before.filter(([, field]) => typeof field === 'object' && field.writeOnly);
    if (properties)
      merged.properties = { ...Object.fromEntries(before), ...properties, ...Object.fromEntries(secret) };
  }
  return merged;
}

function hasConstants({ properties = {} }: JsonSchema, read: ReadValue): boolean {
  const constants = Object.entries(properties).flatMap(([name, field]) =>
    typeof field === 'object' && field.const !== undefined ? [{ name, value: field.const }] : [],
  );
  return constants.length > 0 && constants.every(({ name, value }) => read(name) === value);
}

/** The schema at a path. The path may be longer than the data. */
export function fieldAt(schema: JsonSchema, data: unknown, path: Path): JsonSchema | undefined {
  let field: JsonSchema | undefined = schema;
  let value = data;
  const here = (one: JsonSchema) => fieldFor(one, (key) => valueAt(value, key));
  for (const part of path) {
    if (!field) return undefined;
    const parent: JsonSchema = here(field);
    field = typeof part === 'number' ? itemAt(parent, part) : propertyAt(parent, part);
    value = valueAt(value, part);
  }
  return field && here(field);
}

/** Whether a value is a mapping. */
export function isData(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value under a key or index, if there is one. */
export function valueAt(data: unknown, part: string | number): unknown {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, part)) return undefined;
  return (data as Record<string | number, unknown>)[part];
}

export function propertyAt(
  { properties, additionalProperties }: JsonSchema,
  name: string,
): JsonSchema | undefined {
  const own = properties && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
  return typeof own === 'object' ? own : undefined;
}

export function itemAt({ prefixItems, items }: JsonSchema, index: number): JsonSchema | undefined {
  const item = prefixItems?.[index] ?? items;
  return typeof item === 'object' && !Array.isArray(item) ? item : undefined;
}

/** Whether a field may be a single value. */
export function holdsScalar(field: JsonSchema | undefined): boolean {
  if (!field) return false;
  const types = [field, ...((field.anyOf ?? []) as JsonSchema[])].map(({ type }) => type);
  return field.const !== undefined || types.some((type) => type && type !== 'object' && type !== 'array');
}

/** Every key and choice of a schema. */
export function vocabulary(schema: unknown, terms = new Set<unknown>()): ReadonlySet<unknown> {
  if (typeof schema !== 'object' || schema === null) return terms;
  const { properties = {}, enum: choices = [], const: constant } = schema as JsonSchema;
  for (const term of [...Object.keys(properties), ...choices, constant]) terms.add(term);
  for (const inner of Object.values(schema)) vocabulary(inner, terms);
  return terms;
}
