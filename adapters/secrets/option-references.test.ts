import { expect, it } from 'vitest';
import { z } from 'zod';
import { secretSchema, secretTextSchema } from '../../core/config/secret-text.ts';
import { CHANNELS } from '../channels/registry.ts';
import { PROBES } from '../probes/registry.ts';
import { STORES } from '../stores/registry.ts';
import { referencesIn, resolveOptions } from './option-references.ts';

const schema = z.strictObject({
  token: secretSchema.describe('described'),
  url: secretTextSchema.optional().describe('optional'),
  headers: z.record(z.string(), secretTextSchema).default({}),
  login: z.strictObject({ password: secretSchema }).optional(),
  many: z.array(z.union([z.number(), secretTextSchema])).prefault([]),
  name: z.string(),
});

it('finds the references of all fields that may hold secrets, however they are wrapped, and of no other field', () => {
  const value = schema.parse({
    token: '${env:A}',
    url: 'https://${env:B}/${file:c}',
    headers: { x: 'Bearer ${ssm:/d}', y: 'plain' },
    login: { password: '${env:E}' },
    many: [1, '${env:F}'],
    name: '${env:NOT_A_SECRET}',
  });
  expect(referencesIn(schema, value)).toEqual([
    ...['${env:A}', '${env:B}', '${file:c}', '${ssm:/d}', '${env:E}', '${env:F}'],
  ]);
  expect(referencesIn(schema, schema.parse({ token: '${env:A}', name: '' }))).toEqual(['${env:A}']);
});

it('resolves them in a copy, each once', async () => {
  const asked: string[] = [];
  // A value that looks like a reference stays as it is.
  const values: Record<string, string> = {
    '${env:A}': '${env:F}',
    'Bearer ${ssm:/d}': 'Bearer d',
    '${env:F}': 'f',
  };
  const resolve = async (text: string) => {
    asked.push(text);
    return values[text] ?? '';
  };
  const value = schema.parse({
    token: '${env:A}',
    headers: { x: 'Bearer ${ssm:/d}' },
    many: [1, '${env:F}'],
    name: '${env:NOT_A_SECRET}',
  });
  const before = structuredClone(value);
  expect(await resolveOptions(schema, value, { resolve })).toEqual({
    token: '${env:F}',
    headers: { x: 'Bearer d' },
    many: [1, 'f'],
    name: '${env:NOT_A_SECRET}',
  });
  expect(value).toEqual(before);
  expect(asked).toEqual(['${env:A}', 'Bearer ${ssm:/d}', '${env:F}']);
});

it.each([...CHANNELS, ...STORES, ...PROBES].map((adapter) => [adapter.type, adapter] as const))(
  'finds every option of %s that may hold a secret',
  (_, { options }) => {
    const expected = new Set<string>();
    const value = valueFor(options, 'o', expected);
    expect(new Set(referencesIn(options, value))).toEqual(expected);
  },
);

/** A value of the schema: each field that may hold a secret has a reference of its own, which is added to `expected`. */
function valueFor(schema: z.core.$ZodType, path: string, expected: Set<string>): unknown {
  if (z.globalRegistry.get(schema)?.writeOnly === true && !('innerType' in schema._zod.def)) {
    const reference = `\${env:${path}}`;
    expected.add(reference);
    return reference;
  }
  const { def } = schema as unknown as { def: Record<string, unknown> };
  if (def.type === 'object')
    return Object.fromEntries(
      Object.entries(def.shape as Record<string, z.core.$ZodType>).map(([name, field]) => [
        name,
        valueFor(field, `${path}_${name}`, expected),
      ]),
    );
  if (def.type === 'record') return { x: valueFor(def.valueType as z.core.$ZodType, `${path}_x`, expected) };
  if ('innerType' in def) return valueFor(def.innerType as z.core.$ZodType, path, expected);
  return undefined;
}
