import { z } from 'zod';
import { durationSchema } from '../../../core/duration.ts';
import type { StoreAdapter } from '../store-adapter.ts';
import { createTimestreamApi } from './api.ts';
import { createTimestreamStore } from './store.ts';

/** https://docs.aws.amazon.com/timestream/latest/developerguide/API_CreateTable.html */
const nameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9_.-]{3,256}$/, 'must be 3 to 256 letters, digits, `_`, `.` or `-`');

const optionsSchema = z.strictObject({
  database: nameSchema.describe('Database of the table').meta({ examples: ['bartizan'] }),
  table: nameSchema
    .describe(
      'Table that samples go into; it must exist. Its retention is that of the samples; enable magnetic store writes ' +
        'for samples that come later than its memory store reaches back',
    )
    .meta({ examples: ['samples'] }),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region, such as `eu-west-1`')
    .describe('Region of the table; requests are signed with the AWS credentials of the process')
    .meta({ examples: ['eu-west-1'] }),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .describe('Address to use instead of the one that is discovered: an emulator, or an endpoint of a VPC')
    .meta({ examples: ['http://127.0.0.1:4567'] })
    .optional(),
  timeout: durationSchema.prefault('60s').describe('How long an answer is waited for'),
});

export type TimestreamOptions = z.infer<typeof optionsSchema>;

/**
 * Amazon Timestream for LiveAnalytics, for accounts that used it before 2025-06-20. The credentials need the actions
 * timestream:DescribeEndpoints, DescribeTable, WriteRecords and Select.
 */
export const timestream: StoreAdapter<TimestreamOptions> = {
  type: 'timestream',
  title:
    'Amazon Timestream for LiveAnalytics, for accounts that have it: closed to new customers since 2025-06-20',
  options: optionsSchema,
  timeoutMs: ({ timeout }) => timeout,
  open: async ({ options }) => createTimestreamStore(await createTimestreamApi(options), options),
};
