// JSON Schema in a few characters of HTML, for the page.

export interface JsonSchema {
  $ref?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  additionalProperties?: JsonSchema | boolean;
  anyOf?: readonly JsonSchema[];
  oneOf?: readonly JsonSchema[];
  allOf?: readonly JsonSchema[];
  description?: string;
  default?: unknown;
  example?: unknown;
}

export interface Field {
  name: string;
  /** HTML. */
  type: string;
  description: string;
  isRequired: boolean;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Text in which `…` is code. */
export function inlineCode(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

/** HTML with links to the shapes of the page. */
export function typeText(schema: JsonSchema): string {
  const { $ref, enum: values, const: only, items, anyOf, oneOf, allOf, additionalProperties, type } = schema;
  if ($ref !== undefined) {
    const name = escapeHtml($ref.split('/').at(-1) ?? '');
    return `<a href="#schema-${name}">${name}</a>`;
  }
  const options = anyOf ?? oneOf ?? allOf;
  if (options) return options.map(typeText).join(' or ');
  if (values) return values.map((value) => `<code>${escapeHtml(String(value))}</code>`).join(' ');
  if (only !== undefined) return `<code>${escapeHtml(String(only))}</code>`;
  if (items) return `list of ${typeText(items)}`;
  if (typeof additionalProperties === 'object') return `map to ${typeText(additionalProperties)}`;
  const name = (typeof type === 'string' ? [type] : (type ?? ['any'])).join(' or ');
  return escapeHtml(schema.default === undefined ? name : `${name}, default ${String(schema.default)}`);
}

/** The fields of an object, those of objects in it included: `matchers[].name`. */
export function fieldRows(schema: JsonSchema, path = ''): Field[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inner = field.items?.properties ? field.items : field;
    const full = `${path}${name}${inner === field ? '' : '[]'}`;
    const isRequired = required.has(name);
    const own = {
      name: full,
      type: inner.properties ? 'object' : typeText(field),
      description: field.description ?? '',
      isRequired,
    };
    return [own, ...(inner.properties ? fieldRows(inner, `${full}.`) : [])];
  });
}
