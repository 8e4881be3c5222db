import { z } from 'zod';
import { METRICS, type Metric } from '../catalogue.ts';
import { durationSchema } from '../duration.ts';
import { AGGREGATIONS, REDUCERS, SEVERITIES } from '../model/rule.ts';

// Letters of any script: owners choose the names of clusters.
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]*$/u;

/** Every chat service and browser takes links of this length: Slack 3,000 characters with escapes, most browsers about 2,000. */
const LONGEST_ADDRESS = 2_000;

/** A title is a heading (Slack's holds 150 characters, which include node and state), a summary a few lines. */
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

const globSchema = z
  .string({ error: 'a glob is text; put it in quotes' })
  .min(1, 'an empty glob matches nothing');

/** Messages of default rules link `ADDRESS/NAME.md`. */
export const runbooksSchema = addressSchema('`runbooks` is an http or https address').describe(
  'Address of your copy of docs/runbook: messages of default rules link their page there',
);

/** Labels and globs, one or a list each. */
export const labelGlobsSchema = z.record(
  z.string(),
  z.union([globSchema.transform((one) => [one]), z.array(globSchema).min(1)], {
    error: 'write a glob or a list of globs, as text in quotes',
  }),
);

const metricOf = (metrics: readonly Metric[]) =>
  z.string().meta({ examples: metrics.map(({ name }) => name) });

const side = metricOf(METRICS.filter(({ unit }) => unit !== 'bool'));

const interval = z
  .tuple([number('the lower bound'), number('the upper bound')], {
    error: 'write the two bounds as [low, high]',
  })
  .refine(([low, high]) => low < high, 'the lower bound comes first and is smaller than the upper one');

/** Names are labels, parts of keys, and words of commands. */
export const nameSchema = z
  .string()
  .regex(NAME, 'a name has letters, digits, `-`, `_` and `.`, and starts with a letter or digit')
  .max(100, 'a name has 100 characters at most');

/** Fields of a rule as people write them. */
export const ruleFields = z.strictObject({
  name: nameSchema.describe('Identity of its alerts, together with their labels'),
  title: z
    .string()
    .min(1)
    .max(LONGEST_TITLE, `a title has ${LONGEST_TITLE} characters at most; say more in \`summary\``)
    .describe('What messages call it; by default made from the name')
    .optional(),
  metric: metricOf(METRICS).describe('A metric of the catalogue; this or `ratio`').optional(),
  ratio: z
    .strictObject({
      of: side.describe('What is divided'),
      over: side.describe('What it is divided by: a metric with the same labels, or one of the node'),
    })
    .describe('Compare one metric over another: percent where both have the same unit')
    .optional(),
  where: labelGlobsSchema.describe('Labels and globs (`*`, `?`), any of which must match').prefault({}),
  whereNot: labelGlobsSchema
    .describe('Labels and globs; a series is left out when any of these labels matches one of its globs')
    .optional(),
  window: z
    .strictObject({
      last: durationSchema.describe('How far back'),
      reduce: z
        .enum(REDUCERS)
        .describe(
          'How those samples become one value; `rate` is per second and needs a counter (a lower value means that it restarted from zero), `delta` is last minus first, `p95` nearest-rank',
        ),
      in: durationSchema
        .describe('With `forecast`: how far ahead, on the straight line that fits those samples best')
        .optional(),
    })
    .describe('Compare one value of the last samples, rather than each sample')
    .optional(),
  aggregate: z
    .strictObject({
      by: z.array(z.string()).min(1).describe('Labels that form a group; the alert has these labels'),
      op: z
        .enum(AGGREGATIONS)
        .describe('How the values of a group become one; `spread` is the greatest minus the smallest'),
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
    .describe('While firing, this bound decides instead of the condition; two bounds with `outside`')
    .optional(),
  for: durationSchema.describe('How long the condition must hold before the alert fires'),
  keepFiringFor: durationSchema
    .describe('How long the condition must be over before the alert resolves')
    .prefault('0s'),
  noData: z
    .enum(['keepLast', 'alerting', 'ok'])
    .describe('What happens when the node answers but the metric is missing')
    .default('keepLast'),
  severity: z.enum(SEVERITIES).describe('How bad it is; routes can match it').default('warning'),
  inhibitedBy: z
    .array(z.string())
    .describe(
      'Rules that inhibit this one: no message of it is sent while one of them fires for the same cluster and node',
    )
    .default([]),
  supersededBy: z
    .array(z.string())
    .describe(
      'Rules that report the same and worse: no message of this one is sent while one of them fires with the very labels of the alert',
    )
    .default([]),
  summary: z
    .string()
    .min(1)
    .max(LONGEST_SUMMARY, `a summary has ${LONGEST_SUMMARY} characters at most; link the rest as \`runbook\``)
    .describe(
      'Text of the message while the alert breaches. It may hold labels (`{{node}}`), `{{value}}`, `{{held}}` (how long), `{{condition}}` (`> 90%`), `{{threshold}}` (`90%`), `{{window}}` (`last` of the window), `{{ahead}}` (its `in`), `{{metric}}`, `{{rule}}` (its name), `{{title}}` and `{{severity}}`',
    )
    .optional(),
  runbook: addressSchema('`runbook` is an http or https address')
    .describe('Address of what to do about it; messages link it')
    .optional(),
});

export type RuleFields = z.output<typeof ruleFields>;

const { above, below, outside, equals, recoveryThreshold, window, summary, runbook } = ruleFields.shape;
const holdsFor = durationSchema
  .describe('How long the condition must hold before the alert fires')
  .optional();
const keepFiringFor = ruleFields.shape.keepFiringFor.unwrap().optional();
const noData = ruleFields.shape.noData.unwrap().optional();

/** What a tier may set; the rest comes from its rule. */
const tierFields = z.strictObject({
  above,
  below,
  outside,
  equals,
  recoveryThreshold,
  for: holdsFor,
  keepFiringFor,
  window,
  noData,
  summary,
  runbook,
});

const tiersOf = <T extends z.ZodType>(fields: T) =>
  z
    .strictObject({
      info: fields.describe('Fires with severity `info`').optional(),
      warning: fields.describe('Fires with severity `warning`').optional(),
      critical: fields.describe('Fires with severity `critical`').optional(),
    })
    .describe(
      'Makes a rule `NAME.TIER` for each tier, whose severity it is. While a tier fires, the lower ones of the same labels are quiet',
    )
    .optional();

/** Fields of a rule of the configuration, which may be several: one for each tier. */
export const tieredRuleFields = ruleFields.extend({ tiers: tiersOf(tierFields) });

export type TieredRuleFields = z.output<typeof tieredRuleFields>;

const changedWindow = window.unwrap().partial().describe('What is other in its window').optional();

/** Fields of a default rule that a configuration changes. Without defaults: what is not written stays as it is. */
export const changedRuleFields = ruleFields.omit({ name: true }).extend({
  ratio: ruleFields.shape.ratio.unwrap().partial().describe('What is other in its ratio').optional(),
  where: labelGlobsSchema.describe('Labels and globs that are added, or other').optional(),
  window: changedWindow,
  aggregate: ruleFields.shape.aggregate.unwrap().partial().describe('What is other in its groups').optional(),
  for: holdsFor,
  keepFiringFor,
  noData,
  severity: ruleFields.shape.severity.unwrap().optional(),
  inhibitedBy: ruleFields.shape.inhibitedBy.unwrap().optional(),
  supersededBy: ruleFields.shape.supersededBy.unwrap().optional(),
  tiers: tiersOf(tierFields.extend({ window: changedWindow })),
});
