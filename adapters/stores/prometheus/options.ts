import { z } from 'zod';
import { secretAddressSchema } from '../../../core/config/secret-text.ts';
import { durationSchema } from '../../../core/duration.ts';
import { loginFields, oneLogin } from '../../http/login.ts';

/** Options of the store, see docs/configuration.md. */
export const optionsSchema = z
  .strictObject({
    url: secretAddressSchema.describe('Base address; queries go to `/api/v1/query` under it').meta({
      examples: ['http://127.0.0.1:9090', 'https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-…'],
    }),
    writeUrl: secretAddressSchema
      .describe('Address of remote write, where it is not `/api/v1/write` under `url`')
      .optional(),
    bearerToken: loginFields.bearerToken,
    basicAuth: loginFields.basicAuth,
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
    headers: loginFields.headers,
    timeout: durationSchema.prefault('30s').describe('How long an answer is waited for'),
  })
  .superRefine(...oneLogin);

export type PrometheusOptions = z.infer<typeof optionsSchema>;
