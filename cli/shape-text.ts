import { z } from 'zod';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A shape for readers: names, types, `?` when a field may be absent, descriptions after `//`. */
export function shapeText(shape: z.ZodType): string {
  return typeText(z.toJSONSchema(shape), '');
}

function typeText(schema: JsonSchema, indent: string): string {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.type === 'array') {
    const item = typeText(schema.items as JsonSchema, indent);
    return item.startsWith('{') || !item.includes('|') ? `${item}[]` : `(${item})[]`;
  }
  if (schema.type !== 'object') return String(schema.type);
  if (!schema.properties) return `{ [name]: ${typeText(schema.additionalProperties as JsonSchema, indent)} }`;
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties).map(([name, value]) => {
    const field = value as JsonSchema;
    const mark = schema.required?.includes(name) ? '' : '?';
    const text = `${inner}${name}${mark}: ${typeText(field, inner)}`;
    if (field.description === undefined) return text;
    // The description of a field is in its first line.
    const [first = '', ...rest] = text.split('\n');
    return [`${first}  // ${field.description}`, ...rest].join('\n');
  });
  return `{\n${lines.join('\n')}\n${indent}}`;
}
