// What the JSON Schema of the configuration says of a place in a file.
import type { z } from 'zod';
import type { Path } from './problem.ts';
import type { Tree } from './yaml-tree.ts';

export type JsonSchema = z.core.JSONSchema.JSONSchema;

export type Properties = NonNullable<JsonSchema['properties']>;

/** Whether a field is a secret, or holds one. */
export function isSecret(field: JsonSchema | boolean | undefined): boolean {
  if (typeof field !== 'object') return false;
  return field.writeOnly === true || isSecret(propertyAt(field, '')) || isSecret(itemAt(field, 0));
}

/** The schema that speaks of a tree: of alternatives, the one whose constant it has, else all of them together. */
export function fieldFor(schema: JsonSchema, tree: Tree | undefined): JsonSchema {
  const branches = (schema.oneOf ?? schema.anyOf ?? []) as JsonSchema[];
  if (branches.length === 0) return schema;
  const chosen = branches.filter((branch) => hasConstants(branch, tree));
  const merged: JsonSchema = { ...schema };
  for (const branch of chosen.length > 0 ? chosen : branches) {
    const { properties, ...rest } = fieldFor(branch, tree);
    const before = merged.properties;
    Object.assign(merged, rest);
    if (properties) merged.properties = { ...before, ...properties, ...secretOnes(before) };
  }
  return merged;
}

/** Where alternatives disagree, what is secret in one of them is secret. */
function secretOnes(properties: JsonSchema['properties']): JsonSchema['properties'] {
  const secret = Object.entries(properties ?? {}).filter(
    ([, field]) => typeof field === 'object' && field.writeOnly,
  );
  return Object.fromEntries(secret);
}

function hasConstants(branch: JsonSchema, tree: Tree | undefined): boolean {
  const constants = Object.entries(branch.properties ?? {}).filter(
    ([, field]) => typeof field === 'object' && field.const !== undefined,
  );
  return (
    constants.length > 0 &&
    constants.every(([name, field]) => tree?.entries.get(name)?.tree.value === (field as JsonSchema).const)
  );
}

/** The schema at a path of a tree; the path may go on where the tree ends. */
export function fieldAt(schema: JsonSchema, tree: Tree, path: Path): JsonSchema | undefined {
  let field: JsonSchema | undefined = schema;
  let current: Tree | undefined = tree;
  for (const part of path) {
    if (!field) return undefined;
    const here: JsonSchema = fieldFor(field, current);
    field = typeof part === 'number' ? itemAt(here, part) : propertyAt(here, part);
    current = typeof part === 'number' ? current?.items[part] : current?.entries.get(part)?.tree;
  }
  return field && fieldFor(field, current);
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

/** Whether a single value may stand there. */
export function holdsScalar(field: JsonSchema | undefined): boolean {
  if (!field) return false;
  const types = [field, ...(field.anyOf ?? [])].map((one) =>
    typeof one === 'object' ? one.type : undefined,
  );
  return (
    field.const !== undefined ||
    types.some((type) => type !== undefined && type !== 'object' && type !== 'array')
  );
}

/** Every key and choice of a schema. */
export function vocabulary(schema: JsonSchema): Set<string> {
  const words = new Set<string>();
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    const { properties, enum: choices, const: constant } = value as JsonSchema;
    for (const word of [...Object.keys(properties ?? {}), ...(choices ?? []), constant]) {
      if (typeof word === 'string') words.add(word);
    }
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(schema);
  return words;
}
