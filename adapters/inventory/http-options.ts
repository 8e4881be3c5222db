import { z } from 'zod';
import { certificatePair } from '../../core/config/certificate-pair.ts';
import { labelPathsSchema } from '../../core/config/inventory-labels.ts';
import { nameSchema } from '../../core/config/rule-fields.ts';
import { secretAddressSchema, secretSchema } from '../../core/config/secret-text.ts';
import { wholeCheck } from '../../core/config/whole-check.ts';
import { durationSchema } from '../../core/duration.ts';
import { parseJsonPath } from '../../core/parse/json-path.ts';
import { headersSchema } from '../http/headers.ts';
import { clientCertificateFields, networkFields } from '../http/network.ts';

const MAX_TIMEOUT_MS = 60_000;

const pathSchema = z.string().refine((text) => parseJsonPath(text) !== undefined, {
  error: 'this is no path into JSON such as `data.clusters` or `addresses[0].ip`',
});

const CLUSTER_FIELDS = ['name', 'bastion', 'nodes', 'defaults'] as const;
const NODE_FIELDS = ['name', 'role', 'host', 'port', 'user', 'hostKeys'] as const;

const pathsSchema = (fields: readonly string[], what: string) =>
  z
    .partialRecord(z.enum(fields), pathSchema)
    .describe(
      `Path of each field of a ${what} in its element: ${fields.map((name) => `\`${name}\``).join(', ')}. Without it the element has the shape that the configuration has`,
    )
    .default({});

const defaultsSchema = (fields: readonly string[], what: string) =>
  z
    .partialRecord(z.enum(fields), z.union([z.string(), z.number()]))
    .describe(`Values of fields that ${what} in the answer lacks`)
    .default({});

const fields = z.strictObject({
  name: nameSchema.describe('Names the source in messages and metrics; another name is another source'),
  url: secretAddressSchema.describe('Address that is read with GET; redirects are not followed'),
  list: pathSchema
    .describe('Path of the list of clusters in the JSON; without it the answer is the list')
    .optional(),
  next: pathSchema
    .describe(
      'Path of the address of the next page, where the service answers in pages; the last page has nothing there. A header `Link` with `rel="next"` is followed without it. All pages are read within a minute, 500 and 16 MiB at most, from the host of `url` only',
    )
    .optional(),
  nextParameter: z
    .string()
    .min(1)
    .describe(
      'Parameter of the address that takes what is at `next`, where that is no address but a mark such as a page token',
    )
    .optional(),
  cluster: pathsSchema(CLUSTER_FIELDS, 'cluster'),
  node: pathsSchema(NODE_FIELDS, 'node'),
  clusterLabels: labelPathsSchema(pathSchema)
    .describe(
      'Path of each label of a cluster in its element, beside its `labels` where no `cluster` is given. A number becomes text; what is missing or empty is no label',
    )
    .default({}),
  nodeLabels: labelPathsSchema(pathSchema).describe('The same for a node').default({}),
  clusterDefaults: defaultsSchema(['bastion'], 'a cluster'),
  nodeDefaults: defaultsSchema(['role', 'port', 'user'], 'a node'),
  bearerToken: secretSchema.describe('Sent as `Authorization: Bearer`').optional(),
  headers: headersSchema.default({}).describe('Further headers; values may be references'),
  timeout: durationSchema
    .refine((ms) => ms > 0 && ms <= MAX_TIMEOUT_MS, { error: 'a minute is the most' })
    .describe('How long an answer is waited for, `1m` at most')
    .prefault('10s'),
  ...networkFields,
  ...clientCertificateFields,
});

/** Options of the source `http`, see docs/configuration.md. */
export const httpInventoryOptions = fields.superRefine(...certificatePair).superRefine(
  ...wholeCheck<{ next?: unknown; nextParameter?: unknown }>(({ next, nextParameter }, issue) => {
    if (nextParameter !== undefined && next === undefined)
      issue(['nextParameter'], '`nextParameter` needs `next` beside it: the path of what it takes');
  }),
);

export type HttpInventoryOptions = z.output<typeof httpInventoryOptions>;
