import { z } from 'zod';
import { findMetric, GROUP_LABELS, METRICS } from '../catalogue.ts';
import { AGGREGATIONS, type Condition, REDUCERS, type Rule, SEVERITIES } from '../model.ts';
import { durationSchema } from './duration.ts';
import { nearest, quoted } from './problem.ts';

// Letters of any script: clusters are called what their owners call them.
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]*$/u;
const CONDITIONS = ['above', 'below', 'outside', 'equals'] as const;

/** Every chat service takes links of this length; Slack 3,000 with its escapes, most browsers about 2,000. */
const LONGEST_ADDRESS = 2_000;
/** A title is a heading (Slack's holds 150 letters, with place and state), a summary a few lines. */
const LONGEST_TITLE = 100;
const LONGEST_SUMMARY = 1_000;

/** An http address that messages can link. */
export function addressSchema(error: string) {
  return z
    .url({ protocol: /^https?$/, error })
    .max(
      LONGEST_ADDRESS,
      `an address has ${LONGEST_ADDRESS} characters at most: messages could not link a longer one`,
    );
}

const number = (what: string) => z.number({ error: `${what} is a number` });
const glob = z.string({ error: 'a glob is text; put it in quotes' }).min(1, 'an empty glob matches nothing');
const interval = z
  .tuple([number('the lower bound'), number('the upper bound')], {
    error: 'write the two bounds as [low, high]',
  })
  .refine(([low, high]) => low < high, 'the lower bound comes first and is smaller than the upper one');

/** A rule's name: identity of its alerts together with their labels. */
export const ruleNameSchema = z
  .string()
  .regex(NAME, 'a name has letters, digits, `-`, `_` and `.`, and starts with a letter or digit')
  .max(100, 'a name has 100 characters at most');

/** Fields of a rule as people write them. */
const ruleFields = z.strictObject({
  name: ruleNameSchema.describe('Identity of its alerts, together with their labels'),
  title: z
    .string()
    .min(1)
    .max(LONGEST_TITLE, `a title has ${LONGEST_TITLE} characters at most; say more in \`summary\``)
    .describe('What messages call it; by default made from the name')
    .optional(),
  metric: z
    .string()
    .describe('A metric of the catalogue')
    .meta({ examples: METRICS.map(({ name }) => name) }),
  where: z
    .record(
      z.string(),
      z.union([glob.transform((one) => [one]), z.array(glob).min(1)], {
        error: 'write a glob or a list of globs, as text in quotes',
      }),
    )
    .describe('Labels and globs (`*`, `?`), any of which must match')
    .prefault({}),
  window: z
    .strictObject({
      last: durationSchema.describe('How far back'),
      reduce: z
        .enum(REDUCERS)
        .describe('What those samples come to; `rate` is per second, `p95` nearest-rank'),
    })
    .describe('Compare what the last samples come to, rather than each')
    .optional(),
  aggregate: z
    .strictObject({
      by: z.array(z.string()).min(1).describe('Labels that make a group, and are the labels of the alert'),
      op: z.enum(AGGREGATIONS).describe('What the values of a group come to'),
    })
    .describe('Compare groups of series, after the window')
    .optional(),
  above: number('`above`').describe('Breaching while the value is greater').optional(),
  below: number('`below`').describe('Breaching while the value is smaller').optional(),
  outside: interval
    .describe('Breaching while the value is smaller than the first or greater than the second')
    .optional(),
  equals: number('`equals`').describe('Breaching while the value is exactly this').optional(),
  recoveryThreshold: z
    .union([number('`recoveryThreshold`'), interval], {
      error: '`recoveryThreshold` is a number, or [low, high] with `outside`',
    })
    .describe('While firing, this bound decides instead; two with `outside`')
    .optional(),
  for: durationSchema.describe('How long it must hold before it fires'),
  keepFiringFor: durationSchema.describe('How long it must be over before it resolves').prefault('0s'),
  noData: z
    .enum(['keepLast', 'alerting', 'ok'])
    .describe('What happens when the node answers but the metric is missing')
    .default('keepLast'),
  severity: z.enum(SEVERITIES).describe('How bad it is; routes can match it').default('warning'),
  inhibitedBy: z
    .array(z.string())
    .describe('Rules that keep this one quiet while they fire with the same cluster and node')
    .default([]),
  summary: z
    .string()
    .min(1)
    .max(LONGEST_SUMMARY, `a summary has ${LONGEST_SUMMARY} characters at most; link the rest as \`runbook\``)
    .describe(
      'Text of the message while the alert breaches: `{{node}}`, `{{value}}`, `{{held}}`, `{{threshold}}`',
    )
    .optional(),
  runbook: addressSchema('`runbook` is an http or https address')
    .describe('Address of what to do about it; messages link it')
    .optional(),
});

type RuleFields = z.output<typeof ruleFields>;
type Problem = { path: readonly string[]; message: string };

/** Validates a rule and fills in its defaults. Problems name the field and what to write instead. */
export const ruleSchema = ruleFields.transform((fields, context): Rule => {
  const condition = conditionOf(fields);
  const problems = [...metricProblems(fields), ...conditionProblems(fields, condition)];
  for (const { path, message } of problems) {
    context.addIssue({ code: 'custom', path: [...path], message, input: fields });
  }
  if (problems.length > 0 || !condition) return z.NEVER;
  const { name, title, metric, where, window, aggregate, recoveryThreshold, noData } = fields;
  const { severity, inhibitedBy, summary, runbook } = fields;
  return {
    name,
    title: title ?? titleFrom(name),
    metric,
    where,
    ...(window !== undefined && { window: { lastMs: window.last, reduce: window.reduce } }),
    ...(aggregate !== undefined && { aggregate }),
    condition,
    ...(recoveryThreshold !== undefined && { recoveryThreshold }),
    forMs: fields.for,
    keepFiringForMs: fields.keepFiringFor,
    noData,
    severity,
    inhibitedBy,
    ...(summary !== undefined && { summary }),
    ...(runbook !== undefined && { runbook }),
  };
});

/** `memory-usage` → `Memory usage`. */
function titleFrom(name: string): string {
  const words = name.replace(/[-_.]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function conditionOf(fields: RuleFields): Condition | undefined {
  if (fields.above !== undefined) return { kind: 'above', threshold: fields.above };
  if (fields.below !== undefined) return { kind: 'below', threshold: fields.below };
  if (fields.outside !== undefined)
    return { kind: 'outside', low: fields.outside[0], high: fields.outside[1] };
  if (fields.equals !== undefined) return { kind: 'equals', value: fields.equals };
  return undefined;
}

function metricProblems(fields: RuleFields): Problem[] {
  const metric = findMetric(fields.metric);
  if (!metric) {
    const near = nearest(
      fields.metric,
      METRICS.map(({ name }) => name),
    );
    const hint = near ? `; did you mean \`${near}\`?` : '';
    return [{ path: ['metric'], message: `there is no metric ${quoted(fields.metric)}${hint}` }];
  }
  const labels: readonly string[] = GROUP_LABELS[metric.group];
  const used = [
    ...Object.keys(fields.where).map((label) => ({ label, path: ['where', label] })),
    ...(fields.aggregate?.by ?? []).map((label, i) => ({ label, path: ['aggregate', 'by', String(i)] })),
  ];
  return used
    .filter(({ label }) => !labels.includes(label))
    .map(({ label, path }) => ({
      path,
      message: `\`${metric.name}\` has no label ${quoted(label)}; it has ${labels.join(', ')}`,
    }));
}

function conditionProblems(fields: RuleFields, condition: Condition | undefined): Problem[] {
  const given = CONDITIONS.filter((name) => fields[name] !== undefined);
  if (!condition) {
    return [{ path: [], message: 'a rule needs one of `above`, `below`, `outside` or `equals`' }];
  }
  if (given.length > 1) {
    return given.slice(1).map((name) => ({
      path: [name],
      message: `a rule has one condition; keep either \`${given[0]}\` or \`${name}\``,
    }));
  }
  const message = recoveryProblem(fields.recoveryThreshold, condition);
  return message ? [{ path: ['recoveryThreshold'], message }] : [];
}

/** The recovery bound lies on the side of health: else an alert would flap or never resolve. */
function recoveryProblem(
  recovery: RuleFields['recoveryThreshold'],
  condition: Condition,
): string | undefined {
  if (recovery === undefined) return undefined;
  const pair = typeof recovery === 'object';
  switch (condition.kind) {
    case 'above':
      if (pair) return 'one number goes with `above`';
      return recovery > condition.threshold
        ? `must not be greater than \`above: ${condition.threshold}\``
        : undefined;
    case 'below':
      if (pair) return 'one number goes with `below`';
      return recovery < condition.threshold
        ? `must not be smaller than \`below: ${condition.threshold}\``
        : undefined;
    case 'outside':
      if (!pair) return 'two bounds go with `outside`: [low, high]';
      return recovery[0] < condition.low || recovery[1] > condition.high
        ? `must lie within \`outside: [${condition.low}, ${condition.high}]\``
        : undefined;
    case 'equals':
      return '`equals` has no recovery threshold: any other value is over it';
  }
}
