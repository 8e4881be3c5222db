import { z } from 'zod';
import { portSchema } from '../../../core/config/field-schemas.ts';
import { labelGlobsSchema } from '../../../core/config/rule-fields.ts';
import { wholeCheck } from '../../../core/config/whole-check.ts';
import { REDUCERS } from '../../../core/parse/selected-series.ts';
import { checkHttpsOptions, type HttpsFields, httpsFields, tokenField } from '../https-options.ts';
import { viaField } from '../service-probe.ts';

/** Each is a series of ours. */
const MOST_SERIES = 100;
/** Names may have any character since Prometheus 3, and these are mostly a mistake. */
const SERIES = /^[^\s{}"'`=,]+$/;
const NAME = /^[a-zA-Z_][\w.-]*$/;

const seriesSchema = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(NAME, { error: 'a name begins with a letter, and has letters, digits, `_`, `.` and `-`' })
    .describe('What the check calls the value: label `name` of `check_value`'),
  metric: z
    .string()
    .min(1)
    .max(256)
    .regex(SERIES, { error: 'a name has no blanks, braces and quotes; labels belong into `labels`' })
    .describe('Name of the series, such as `workqueue_depth`'),
  labels: labelGlobsSchema
    .superRefine((labels, context) => {
      for (const name of Object.keys(labels))
        if (!SERIES.test(name))
          context.addIssue({
            code: 'custom',
            path: [name],
            message: 'this is no name of a label',
            input: name,
          });
    })
    .describe('Labels and globs (`*`, `?`) that the series must have')
    .prefault({}),
  reduce: z
    .enum(REDUCERS)
    .optional()
    .describe('How several series become one number. Without it exactly one series must match'),
});

export const optionsSchema = z
  .strictObject({
    via: viaField('node'),
    port: portSchema.describe('Port where the service shows its metrics'),
    path: z
      .string()
      .max(1_024)
      .regex(/^\/[\x21-\x7e]*$/, { error: 'a path begins with `/`, and has no blanks' })
      .default('/metrics')
      .describe('Path of the metrics, with its query'),
    tls: z.boolean().default(false).describe('Speak HTTPS'),
    ...httpsFields,
    token: tokenField,
    series: z.array(seriesSchema).min(1).max(MOST_SERIES).describe('The values that the check takes'),
  })
  .superRefine(
    ...wholeCheck<HttpsFields & { series?: unknown }>((options, issue, isRight) => {
      checkHttpsOptions(options, issue);
      if (!isRight('series')) return;
      const names = (options.series as z.output<typeof seriesSchema>[]).map(({ name }) => name);
      const twice = names.find((name, i) => names.indexOf(name) < i);
      if (twice !== undefined)
        issue(['series'], `two values are called \`${twice}\`; give each a name of its own`);
    }),
  );

export type PrometheusOptions = z.output<typeof optionsSchema>;
