import { z } from 'zod';
import { secretAddressSchema, secretSchema } from '../../../core/config/secret-text.ts';
import { durationSchema } from '../../../core/duration.ts';
import { headersSchema } from '../../http/headers.ts';

/** Options of the store, see docs/configuration.md. */
export const optionsSchema = z
  .strictObject({
    url: secretAddressSchema.describe('Base address; queries go to `/api/v1/query` under it').meta({
      examples: ['http://127.0.0.1:9090', 'https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-…'],
    }),
    writeUrl: secretAddressSchema
      .describe('Address of remote write, where it is not `/api/v1/write` under `url`')
      .optional(),
    bearerToken: secretSchema.describe('Sent as `Authorization: Bearer`').optional(),
    basicAuth: z
      .strictObject({
        username: z.string().min(1).describe('User name'),
        password: secretSchema.describe('Password, a reference'),
      })
      .describe('Sent as `Authorization: Basic`')
      .optional(),
    sigv4: z
      .strictObject({
        region: z
          .string()
          .min(1)
          .describe('Region of the workspace')
          .meta({ examples: ['eu-west-1'] }),
        service: z.string().default('aps').describe('Service that is signed for'),
      })
      .describe('Sign requests with the AWS credentials of the process, for Amazon Managed Prometheus')
      .optional(),
    headers: headersSchema
      .default({})
      .describe('Further headers, such as `X-Scope-OrgID`; values may be references'),
    timeout: durationSchema.prefault('30s').describe('How long an answer is waited for'),
  })
  .superRefine((options, context) => {
    const ways = (['bearerToken', 'basicAuth', 'sigv4'] as const).filter((way) => options[way] !== undefined);
    const [, second] = ways;
    if (second === undefined) return;
    const message = `there is \`${ways[0]}\` already; write one way to log in`;
    context.addIssue({ code: 'custom', path: [second], message });
  });

export type PrometheusOptions = z.infer<typeof optionsSchema>;
