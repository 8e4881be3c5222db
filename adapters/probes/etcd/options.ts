import { z } from 'zod';
import { wholeCheck } from '../../../core/config/whole-check.ts';
import { checkHttpsOptions, httpsFields } from '../https-options.ts';
import { portField, viaField } from '../service-probe.ts';
import { MOST_PATTERNS, patternProblem } from './backups.ts';

export const optionsSchema = z
  .strictObject({
    via: viaField('node'),
    port: portField(2381),
    tls: z
      .boolean()
      .default(false)
      .describe('Speak HTTPS, as OpenShift needs it (port 9978, with a client certificate)'),
    ...httpsFields,
    optional: z
      .boolean()
      .default(false)
      .describe(
        'There may be no etcd, as on k3s with SQLite: a port where nobody listens is a note, until an etcd was seen there once',
      ),
    backups: z
      .array(
        z.string().superRefine((pattern, context) => {
          const message = patternProblem(pattern);
          if (message !== undefined) context.addIssue({ code: 'custom', message, input: pattern });
        }),
      )
      .max(MOST_PATTERNS)
      .refine((patterns) => new Set(patterns).size === patterns.length, { error: 'a pattern is there twice' })
      .default([])
      .describe(
        'Files of backups on the node, such as `/var/lib/etcd-backup/*.db`: the age of the newest one of each pattern is `etcd_backup_age`. They are part of a script, so `bartizan keys` prints another hash for the lines of nodes',
      ),
  })
  .superRefine(...wholeCheck(checkHttpsOptions));

export type EtcdOptions = z.output<typeof optionsSchema>;
