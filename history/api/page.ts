// The page at /docs: plain HTML from the OpenAPI document, without scripts.

import { createHash } from 'node:crypto';
import type { OpenApiDocument } from './document.ts';
import { escapeHtml, fieldRows, inlineCode, type JsonSchema, typeText } from './schema-text.ts';

const STYLE = `:root{color-scheme:light dark;--line:#d0d7de;--quiet:#57606a;--code:#f2f4f7;--accent:#0b57d0}
@media (prefers-color-scheme:dark){:root{--line:#3a4148;--quiet:#9aa4af;--code:#22272e;--accent:#8ab4f8}}
body{font:16px/1.55 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem}h2{font-size:1.3rem;margin-top:3rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:2.2rem 0 .3rem}h3 code{background:none;padding:0;font-size:1rem}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
code,pre{font:.88em/1.5 ui-monospace,monospace;background:var(--code);border-radius:4px;padding:.1em .3em}
pre{padding:.6rem .8rem;overflow-x:auto}
.method{display:inline-block;min-width:4.2rem;font-weight:700}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin:.5rem 0 1rem}
th,td{border-top:1px solid var(--line);text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top}
th{font-weight:600;color:var(--quiet)}td:first-child{white-space:nowrap}
details{margin:.4rem 0}summary{cursor:pointer}
nav ul{columns:2;padding-left:1.1rem}p.quiet{color:var(--quiet)}`;

/** Nothing but the page's own style is loaded or run. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  example?: unknown;
  schema?: JsonSchema;
}

interface Answer {
  description: string;
  content?: Record<string, { schema?: JsonSchema }>;
}

interface Operation {
  method: string;
  path: string;
  summary?: string;
  description?: string;
  tags?: readonly string[];
  parameters?: readonly Parameter[];
  requestBody?: { content: Record<string, { schema?: JsonSchema }> };
  responses: Record<string, Answer>;
}

export function renderPage(document: OpenApiDocument): string {
  const operations = operationsOf(document);
  const tags = (document.tags ?? [])
    .map(({ name }) => name)
    .filter((name) => operations.some((one) => one.tags?.includes(name)));
  const schemas = (document.components?.schemas ?? {}) as Record<string, JsonSchema>;
  const contents = operations.map(
    (one) => `<li><a href="#${anchorOf(one)}"><code>${one.method} ${escapeHtml(one.path)}</code></a></li>`,
  );
  const sections = tags.map((tag) => {
    const mine = operations.filter((one) => one.tags?.includes(tag));
    return `<h2>${escapeHtml(tag)}</h2>${mine.map(operationHtml).join('')}`;
  });
  const shapes = Object.entries(schemas).map(([name, schema]) => {
    return `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>${fieldTable(schema)}`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(document.info.title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(document.info.title)}</h1>
<p class="quiet">Version ${escapeHtml(document.info.version)} · <a href="/openapi.json">openapi.json</a></p>
<p>${inlineCode(document.info.description ?? '')}</p>
<nav><ul>${contents.join('')}</ul></nav>
${sections.join('\n')}
<h2>Shapes</h2>${shapes.join('\n')}
</body></html>
`;
}

function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Omit<Operation, 'method' | 'path'>>).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
}

function anchorOf({ method, path }: Operation): string {
  return `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;
}

function operationHtml(operation: Operation): string {
  const { method, path, summary = '', description, parameters = [], requestBody, responses } = operation;
  const body = requestBody?.content['application/json']?.schema;
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  return `<section><h3 id="${anchorOf(operation)}"><code><span class="method">${method}</span>${escapeHtml(path)}</code></h3>
<p>${inlineCode(summary)}.${description === undefined ? '' : ` ${inlineCode(description)}`}</p>
${parameters.length === 0 ? '' : parameterTable(parameters)}
${body ? `<p>Body: ${typeText(body)}</p>` : ''}
${answers.map(([status, answer]) => answerHtml(status, answer)).join('')}
<pre>${escapeHtml(exampleOf(operation))}</pre></section>`;
}

function answerHtml(status: string, { description, content = {} }: Answer): string {
  const [type = '', { schema } = { schema: undefined }] = Object.entries(content)[0] ?? [];
  const what = type === 'application/json' ? '' : ` (<code>${escapeHtml(type)}</code>)`;
  return `<details><summary>${status}: ${inlineCode(description)}${what}</summary>${schema ? fieldTable(schema) : ''}</details>`;
}

function parameterTable(parameters: readonly Parameter[]): string {
  const rows = parameters.map(({ name, required, schema, description = schema?.description ?? '' }) => {
    const type = schema ? typeText(schema) : '';
    return `<tr><td><code>${escapeHtml(name)}</code>${required ? ' *' : ''}</td><td>${type}</td><td>${inlineCode(description)}</td></tr>`;
  });
  return `<table><tr><th>Parameter</th><th>Type</th><th></th></tr>${rows.join('')}</table>`;
}

function fieldTable(schema: JsonSchema): string {
  const rows = fieldRows(schema).map(({ name, type, description, isRequired }) => {
    return `<tr><td><code>${escapeHtml(name)}</code>${isRequired ? '' : '?'}</td><td>${type}</td><td>${inlineCode(description)}</td></tr>`;
  });
  return rows.length === 0
    ? `<p>${typeText(schema)}</p>`
    : `<table><tr><th>Field</th><th>Type</th><th></th></tr>${rows.join('')}</table>`;
}

/** A request to copy. */
function exampleOf({ method, path, parameters = [], requestBody }: Operation): string {
  const metric = parameters.some(({ name }) => name === 'metric') ? '?metric=mem_usage' : '';
  const start = `curl -H "Authorization: Bearer $BARTIZAN_TOKEN"`;
  const verb = method === 'GET' ? '' : ` -X ${method}`;
  const example = requestBody?.content['application/json']?.schema?.example;
  const data = requestBody
    ? ` -H 'Content-Type: application/json' -d '${JSON.stringify(example ?? {})}'`
    : '';
  return `${start}${verb}${data} "$BARTIZAN_URL${path.replace('{id}', 'ID')}${metric}"`;
}
