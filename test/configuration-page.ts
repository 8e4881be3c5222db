// Writes docs/configuration.md from the JSON Schema, the catalogue and the default rules. A test compares the file.

import { GROUP_LABELS, METRICS } from '../core/catalogue.ts';
import { DEFAULT_CHECKS, defaultRuleTexts } from '../core/config/defaults.ts';
import type { JsonSchema } from '../core/config/fields.ts';
import { tieredRuleSchema } from '../core/config/rule-schema.ts';
import { formatDuration } from '../core/duration.ts';
import { measureOf } from '../core/measure.ts';
import type { Rule } from '../core/model/rule.ts';

const INTRODUCTION = `<!-- Generated from the schema in core/config/. To change it, change that, then \`npm run generate\`. -->

# Configuration

One file, \`bartizan.yaml\`. \`bartizan init --template\` writes a commented one, \`bartizan check\` says all that is wrong with it at
once, \`bartizan schema\` prints its JSON Schema ([schema/bartizan.schema.json](schema/bartizan.schema.json)). An unknown
key is an error. YAML anchors, aliases and \`<<\` may be used.

| kind of value | how it is written |
| --- | --- |
| duration | \`500ms\`, \`90s\`, \`5m\`, \`1h30m\`, \`7d\` |
| size | \`64KiB\`, \`1MiB\`, \`2GiB\` |
| time | ISO 8601 with its zone: \`2027-01-31T22:00:00+09:00\`, \`2027-01-31T13:00:00Z\` |
| glob | \`*\` stands for any run of characters, \`?\` for one; the whole value must match. One or a list. Not a regular expression |
| path | relative paths start from the folder of the file; \`~\` is the home folder |
| secret | a reference, \`\${env:NAME}\`, \`\${file:path}\`, \`\${credential:NAME}\` (a [credential of systemd](files.md#who-may-read)) or \`\${ssm:/path}\` (a parameter of AWS Systems Manager, decrypted; region and credentials of the process; kept for five minutes), and nothing else. It is resolved when it is used and printed as \`<secret>\`. A file with a private key that others may read is refused ([files](files.md)). Inside \`{ }\` and \`[ ]\` it needs quotes |
| text with secrets | a text that may hold such references, like an address with a token in it. It is never printed |
`;

/** The reference as Markdown. */
export function configReference(schema: JsonSchema): string {
  const sections = Object.entries(schema.properties ?? {}).map(([name, section]) =>
    sectionText(name, section as JsonSchema, schema.required?.includes(name) ?? false),
  );
  return `${[INTRODUCTION, ...sections, defaultsText(), metricsText()].map((part) => part.trim()).join('\n\n')}\n`;
}

function sectionText(name: string, section: JsonSchema, required: boolean): string {
  const forms = (section.anyOf ?? []) as JsonSchema[];
  const list = forms.find(({ type }) => type === 'array');
  if (list) return formsText(name, { ...list, description: section.description }, forms);
  const element = (section.type === 'array' ? section.items : section) as JsonSchema;
  const what = `${section.description}. ${section.type === 'array' ? 'A list' : 'A mapping'}${required ? ', required' : ''}.`;
  const branches = (element.oneOf ?? []) as JsonSchema[];
  if (branches.length === 0) return `## ${name}\n\n${what}\n\n${table(element)}`;
  const kinds = branches.map((branch) => {
    const key = Object.entries(branch.properties ?? {}).find(
      ([, field]) => (field as JsonSchema).const !== undefined,
    );
    const title = key ? `\`${key[0]}: ${(key[1] as JsonSchema).const}\`` : '';
    return `### ${title}\n\n${branch.title}.\n\n${table(branch)}`;
  });
  return `## ${name}\n\n${what}\n\n${kinds.join('\n\n')}`;
}

/** Which elements the table of a section with two forms is about. */
const EACH: Readonly<Record<string, string>> = {
  clusters: 'Each cluster, of the list or of an included file',
  rules: 'Each rule, of the list or of `add`',
};

/** A section that is a list, or a mapping with such lists. */
function formsText(name: string, list: JsonSchema, forms: readonly JsonSchema[]): string {
  const mapping = forms.find(({ type }) => type === 'object');
  const keys = Object.entries(mapping?.properties ?? {}).map(([key, value]) => {
    const field = value as JsonSchema;
    return `| \`${key}\` | ${kindText(field)} | ${defaultText(field.default)} | ${cell(field.description ?? '')} |`;
  });
  const either = ['| key | value | default | |', '| --- | --- | --- | --- |', ...keys].join('\n');
  return [
    `## ${name}\n\n${list.description}. A list, or a mapping.\n\n${either}`,
    `${EACH[name] ?? 'Each element'}:\n\n${table(list.items as JsonSchema)}`,
  ].join('\n\n');
}

function table(element: JsonSchema): string {
  return ['| key | value | default | |', '| --- | --- | --- | --- |', ...rows(element, '')].join('\n');
}

function rows(element: JsonSchema, prefix: string): string[] {
  return Object.entries(element.properties ?? {}).flatMap(([name, value]) => {
    const field = value as JsonSchema;
    const items = field.items as JsonSchema | undefined;
    const [twin, ...others] = Object.values(field.properties ?? {}) as JsonSchema[];
    const fieldsOf = (one: JsonSchema) => Object.keys(one.properties ?? {}).join();
    if (twin?.properties && others.length > 0 && others.every((one) => fieldsOf(one) === fieldsOf(twin))) {
      const kind = `mapping of ${Object.keys(field.properties ?? {})
        .map((key) => `\`${key}\``)
        .join(', ')}`;
      const row = `| \`${prefix}${name}\` | ${kind} |  | ${cell(field.description ?? '')} |`;
      return [row, ...rows(twin, `${prefix}${name}.*.`)];
    }
    const nested = field.properties ? rows(field, `${prefix}${name}.`) : [];
    const inList = items?.properties ? rows(items, `${prefix}${name}[].`) : [];
    if (nested.length > 0) return nested;
    const needed = element.required?.includes(name) ? 'required' : defaultText(field.default);
    return [
      `| \`${prefix}${name}\` | ${kindText(field)} | ${needed} | ${cell(field.description ?? '')} |`,
      ...inList,
    ];
  });
}

function defaultText(value: unknown): string {
  if (value === undefined || value === '') return '';
  if (typeof value === 'object' && Object.keys(value ?? {}).length === 0) return '';
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``;
}

function kindText(field: JsonSchema): string {
  if (field.const !== undefined) return `\`${field.const}\``;
  if (field.enum) return field.enum.map((value) => `\`${value}\``).join(', ');
  if (field.anyOf) return [...new Set((field.anyOf as JsonSchema[]).map(kindText))].join(' or ');
  if (field.writeOnly) return field.pattern ? 'secret' : 'text with secrets';
  if (field.pattern?.includes('ms)'))
    return field.pattern.startsWith('^never$') ? 'duration or `never`' : 'duration';
  if (field.pattern?.includes('KiB')) return 'size';
  switch (field.type) {
    case 'array':
      return field.prefixItems
        ? '`[low, high]`'
        : `list of ${plural(kindText((field.items ?? {}) as JsonSchema))}`;
    case 'object':
      return isGlobs(field) ? 'labels and globs' : mappingText(field);
    case 'integer':
      return field.minimum !== undefined && field.maximum !== undefined
        ? `${field.minimum}–${field.maximum}`
        : 'whole number';
    case 'boolean':
      return '`true`, `false`';
    case 'string':
      return 'text';
    default:
      return String(field.type ?? 'any');
  }
}

function mappingText({ additionalProperties: values }: JsonSchema): string {
  return typeof values === 'object' ? `mapping to ${kindText(values)}` : 'mapping';
}

function plural(kind: string): string {
  return kind === 'mapping' ? 'mappings' : kind === 'text' ? 'texts' : kind;
}

function isGlobs(field: JsonSchema): boolean {
  return typeof field.additionalProperties === 'object' && field.additionalProperties.anyOf !== undefined;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** Rules that keep it quiet for the same node, then those that do for the very labels of an alert. */
function quietText({ inhibitedBy, supersededBy = [] }: Pick<Rule, 'inhibitedBy' | 'supersededBy'>): string {
  const ofNode = inhibitedBy.map((other) => `\`${other}\``);
  return [...ofNode, ...supersededBy.map((other) => `\`${other}\` (same labels)`)].join(', ');
}

function defaultsText(): string {
  const rules = defaultRuleTexts(DEFAULT_CHECKS)
    .flatMap((text) => tieredRuleSchema.parse(text))
    .map(
      ({ name, condition, recoveryThreshold, forMs, severity, ...rule }) =>
        `| \`${name}\` | ${comparedText(rule)} | ${conditionText(condition)}${recoveryThreshold === undefined ? '' : `, until ${recoveryThreshold}`} | ${forMs === 0 ? 'at once' : formatDuration(forMs)} | ${severity} | ${quietText(rule)} |`,
    );
  return `## Default rules

In force without a section \`rules\`, and beside the rules of \`add\`, except those that \`off\` names; each only where a check
measures its metric. \`change\` sets single fields of them. [rules.md](rules.md) describes how a rule is evaluated, tiers
(\`NAME.warning\`, \`NAME.critical\`) included. \`bartizan init --template\` writes those on usage out, commented, to copy from.

| name | metric | breaching | for | severity | quiet while |
| --- | --- | --- | --- | --- | --- |
${rules.join('\n')}

\`bastion-lost\` holds for one interval of the most frequent check: no batch got through for two rounds.`;
}

/** What is compared: the metric or ratio, the window and the groups. */
function comparedText(rule: Pick<Rule, 'metric' | 'over' | 'window' | 'aggregate'>): string {
  const { window, aggregate } = rule;
  const parts = [`\`${measureOf(rule).name}\``];
  if (aggregate) parts.unshift(`${aggregate.op} by ${aggregate.by.join(', ')} of`);
  if (window)
    parts.push(
      `(${window.reduce} of ${formatDuration(window.lastMs)}${window.aheadMs === undefined ? '' : `, in ${formatDuration(window.aheadMs)}`})`,
    );
  return parts.join(' ');
}

function conditionText(condition: Rule['condition']): string {
  switch (condition.kind) {
    case 'above':
      return `above ${condition.threshold}`;
    case 'below':
      return `below ${condition.threshold}`;
    case 'outside':
      return `outside ${condition.low}–${condition.high}`;
    case 'equals':
      return `equal to ${condition.value}`;
  }
}

function metricsText(): string {
  const metrics = METRICS.map(
    ({ name, unit, group, help }) =>
      `| \`${name}\` | ${unit.replace('bytes_per_second', 'bytes/s')} | ${GROUP_LABELS[group].map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
  );
  return `## Metrics

What rules can be about, with the labels that \`where\` can match.

| name | unit | labels | |
| --- | --- | --- | --- |
${metrics.join('\n')}`;
}
