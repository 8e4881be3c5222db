import { z } from 'zod';
import { findReferences } from '../../core/config/secret-text.ts';

/**
 * The references (`${env:…}`) in an adapter's options, in the order of the schema. Only fields that may hold secrets are
 * read: the schemas of core/config/secret-text.ts mark them `writeOnly`, and an adapter has no list of its own to forget
 * one in.
 */
export function referencesIn(schema: z.core.$ZodType, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string' && z.globalRegistry.get(schema)?.writeOnly === true)
    return findReferences(value).map(({ text }) => text);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(([name, field]) =>
        referencesIn(field, (value as Record<string, unknown>)[name]),
      );
    case 'record':
      return Object.values(value).flatMap((one) => referencesIn(def.valueType, one));
    case 'array':
      return (value as unknown[]).flatMap((one) => referencesIn(def.element, one));
    case 'union':
      return [...new Set(def.options.flatMap((option) => referencesIn(option, value)))];
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return referencesIn(def.innerType, value);
    case 'pipe':
      return referencesIn(def.in, value);
    default:
      return [];
  }
}
