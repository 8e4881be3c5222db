import { z } from 'zod';
import { wholeCheck } from '../../../core/config/whole-check.ts';
import { checkHttpsOptions, type HttpsFields, httpsFields, tokenField } from '../https-options.ts';
import { portField, viaField } from '../service-probe.ts';

export const optionsSchema = z
  .strictObject({
    via: viaField('bastion'),
    port: portField(6443),
    ...httpsFields,
    token: tokenField.describe(
      'Bearer token of a read-only account, a reference, where anonymous requests see too little; with `ca`. It is only sent to a server that `ca` verifies',
    ),
  })
  .superRefine(
    ...wholeCheck<HttpsFields>((options, issue) => checkHttpsOptions({ ...options, tls: true }, issue)),
  );

export type ApiserverOptions = z.output<typeof optionsSchema>;
