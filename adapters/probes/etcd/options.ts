import { z } from 'zod';
import { wholeCheck } from '../../../core/config/whole-check.ts';
import { checkHttpsOptions, httpsFields } from '../https-options.ts';
import { portField, viaField } from '../service-probe.ts';

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
  })
  .superRefine(...wholeCheck(checkHttpsOptions));

export type EtcdOptions = z.output<typeof optionsSchema>;
