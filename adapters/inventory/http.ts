import { z } from 'zod';
import { nameSchema } from '../../core/config/rule-fields.ts';
import { secretAddressSchema, secretSchema } from '../../core/config/secret-text.ts';
import { durationSchema } from '../../core/duration.ts';
import { PermanentError } from '../../core/errors.ts';
import { foreignClusters } from '../../core/parse/foreign-clusters.ts';
import { parseJsonPath } from '../../core/parse/json-path.ts';
import { headersSchema } from '../http/headers.ts';
import { clientCertificateFields, networkFields, networkOf } from '../http/network.ts';
import { type HttpResponse, sendRequest } from '../http/request.ts';
import type { InventoryAdapter, SourceEntry } from './inventory-adapter.ts';

/** A fleet of 30,000 nodes has about 5 MiB. */
const ANSWER_LIMIT_BYTES = 16 * 1024 ** 2;
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

const options = z.strictObject({
  name: nameSchema.describe('Names the source in messages and metrics; another name is another source'),
  url: secretAddressSchema.describe('Address that is read with GET; redirects are not followed'),
  list: pathSchema
    .describe('Path of the list of clusters in the JSON; without it the answer is the list')
    .optional(),
  cluster: pathsSchema(CLUSTER_FIELDS, 'cluster'),
  node: pathsSchema(NODE_FIELDS, 'node'),
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

/** An answer and its ETag: a 304 means that the entries are the same. */
interface Known {
  etag: string;
  entries: SourceEntry[];
}

export const http: InventoryAdapter<z.output<typeof options>> = {
  type: 'http',
  title: 'JSON of an HTTP service, such as that of a provisioner',
  options,
  open(written, { secrets, clock }) {
    const network = networkOf(written, secrets);
    let known: Known | undefined;

    async function headers(): Promise<Record<string, string>> {
      const all: Record<string, string> = { accept: 'application/json', 'user-agent': 'bartizan' };
      for (const [name, value] of Object.entries(written.headers)) all[name] = await secrets.resolve(value);
      if (written.bearerToken !== undefined)
        all.authorization = `Bearer ${await secrets.resolve(written.bearerToken)}`;
      if (known) all['if-none-match'] = known.etag;
      return all;
    }

    return {
      name: `http ${written.name}`,
      async list() {
        const last = known;
        let isUnchanged = false;
        const explain = ({ status }: HttpResponse) => {
          isUnchanged = status === 304 && last !== undefined;
          return isUnchanged ? new PermanentError('the answer is unchanged') : undefined;
        };
        const request = {
          method: 'GET',
          url: await secrets.resolve(written.url),
          headers: await headers(),
          timeoutMs: written.timeout,
          signal: AbortSignal.timeout(written.timeout),
          network: await network(),
          responseLimitBytes: ANSWER_LIMIT_BYTES,
          explain,
        } as const;
        try {
          const answer = await sendRequest(request, { nowMs: clock.nowMs, redact: secrets.redact });
          const entries = entriesOf(answer, written);
          const { etag } = answer.headers;
          known = etag === undefined ? undefined : { etag, entries };
          return entries;
        } catch (error) {
          if (isUnchanged && last) return last.entries;
          throw error;
        }
      },
    };
  },
};

function entriesOf({ body, whole }: HttpResponse, shape: z.output<typeof options>): SourceEntry[] {
  if (!whole)
    throw new PermanentError(
      `the answer is incomplete, or longer than ${ANSWER_LIMIT_BYTES / 1024 ** 2} MiB`,
    );
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    // The parser's message quotes the answer, which may hold a secret.
    throw new PermanentError(`the answer is not JSON (${body.length} characters)`);
  }
  const clusters = foreignClusters(answer, shape);
  if (!clusters) {
    const at = shape.list === undefined ? '' : ` at \`${shape.list}\``;
    throw new PermanentError(`the answer has no list${at}; \`list\` is the path of the list of clusters`);
  }
  return clusters.map((cluster, index) => ({ id: idOf(cluster, index), text: JSON.stringify(cluster) }));
}

/** The name, which stays when others come and go. */
function idOf(cluster: unknown, index: number): string {
  const { name } = cluster as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : `element ${index} without a name`;
}
