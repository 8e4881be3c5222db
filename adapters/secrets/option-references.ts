import { z } from 'zod';
import { findReferences } from '../../core/config/secret-text.ts';
import type { Secrets } from '../../core/ports.ts';

/**
 * The references (`${env:…}`) in an adapter's options. Only fields that may hold secrets are
 * read: the schemas of core/config/secret-text.ts mark them `writeOnly`, and an adapter has no list of its own to forget
 * one in.
 */
export function referencesIn(schema: z.core.$ZodType, value: unknown): string[] {
  return secretTextsIn(schema, value).flatMap((text) =>
    findReferences(text).map((reference) => reference.text),
  );
}

/** The options with every reference in them resolved. @throws ConfigError, RetryableError */
export async function resolveOptions<T>(
  schema: z.core.$ZodType,
  value: T,
  secrets: Pick<Secrets, 'resolve'>,
): Promise<T> {
  const resolved = new Map<string, string>();
  for (const text of new Set(secretTextsIn(schema, value))) resolved.set(text, await secrets.resolve(text));
  return mapSecrets(schema, value, (text) => resolved.get(text) ?? text) as T;
}

function secretTextsIn(schema: z.core.$ZodType, value: unknown): string[] {
  const texts: string[] = [];
  mapSecrets(schema, value, (text) => {
    texts.push(text);
    return text;
  });
  return texts;
}

/** A copy in which `change` was made to each text that may hold a secret, once: alternatives of a union may agree in that. */
function mapSecrets(
  schema: z.core.$ZodType,
  value: unknown,
  change: (text: string) => string,
  path = '',
  changed = new Set<string>(),
): unknown {
  if (value === undefined || value === null) return value;
  if (typeof value === 'string' && z.globalRegistry.get(schema)?.writeOnly === true) {
    if (changed.has(path)) return value;
    changed.add(path);
    return change(value);
  }
  const here = (one: z.core.$ZodType, inner: unknown) => mapSecrets(one, inner, change, path, changed);
  const mapped = (field: z.core.$ZodType, one: unknown, name: string | number) =>
    mapSecrets(field, one, change, `${path}/${name}`, changed);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return entriesMapped(value, (name, one) => {
        const field = def.shape[name];
        return field ? mapped(field, one, name) : one;
      });
    case 'record':
      return entriesMapped(value, (name, one) => mapped(def.valueType, one, name));
    case 'array':
      return (value as unknown[]).map((one, index) => mapped(def.element, one, index));
    case 'union':
      return def.options.reduce<unknown>((made, option) => here(option, made), value);
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return here(def.innerType, value);
    case 'pipe':
      return here(def.in, value);
    default:
      return value;
  }
}

function entriesMapped(value: unknown, change: (name: string, one: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(name, one)]));
}
