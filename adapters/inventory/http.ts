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
import { type Page, readPages } from './http-pages.ts';
import type { InventoryAdapter, SourceEntry } from './inventory-adapter.ts';

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
        const sent = await headers();
        const throughNetwork = await network();
        const read = (url: string, { bytes, timeoutMs }: { bytes: number; timeoutMs: number }) => {
          const limitMs = Math.min(written.timeout, timeoutMs);
          const request = {
            method: 'GET',
            url,
            headers: sent,
            timeoutMs: limitMs,
            signal: AbortSignal.timeout(limitMs),
            network: throughNetwork,
            responseLimitBytes: bytes,
            explain,
          } as const;
          return sendRequest(request, { nowMs: clock.nowMs, redact: secrets.redact });
        };
        try {
          const pages = await readPages(await secrets.resolve(written.url), read, written, clock.nowMs);
          const entries = entriesOf(pages, written);
          // The ETag of the first page says nothing about the others.
          const etag = pages.length === 1 ? pages[0]?.response.headers.etag : undefined;
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

function entriesOf(pages: readonly Page[], shape: z.output<typeof options>): SourceEntry[] {
  const clusters = pages.flatMap(({ json }) => {
    const ofPage = foreignClusters(json, shape);
    if (ofPage) return ofPage;
    const at = shape.list === undefined ? '' : ` at \`${shape.list}\``;
    throw new PermanentError(`the answer has no list${at}; \`list\` is the path of the list of clusters`);
  });
  const entries = clusters.map((cluster, index) => ({
    id: idOf(cluster, index),
    text: JSON.stringify(cluster),
  }));
  // A cluster may be on two pages, when others came or went meanwhile.
  const seen = new Set<string>();
  return entries.filter(({ id, text }) => {
    const isNew = !seen.has(`${id}\n${text}`);
    seen.add(`${id}\n${text}`);
    return isNew;
  });
}

/** The name, which stays when others come and go. */
function idOf(cluster: unknown, index: number): string {
  const { name } = cluster as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : `element ${index} without a name`;
}
