import { PermanentError } from '../../core/errors.ts';
import { foreignClusters } from '../../core/parse/foreign-clusters.ts';
import { networkOf } from '../http/network.ts';
import { type HttpResponse, sendRequest } from '../http/request.ts';
import { type HttpInventoryOptions, httpInventoryOptions } from './http-options.ts';
import { type Page, readPages } from './http-pages.ts';
import type { InventoryAdapter, SourceEntry } from './inventory-adapter.ts';

/** An answer and its ETag: a 304 means that the entries are the same. */
interface Known {
  etag: string;
  entries: SourceEntry[];
}

export const http: InventoryAdapter<HttpInventoryOptions> = {
  type: 'http',
  title: 'JSON of an HTTP service, such as that of a provisioner',
  options: httpInventoryOptions,
  open(written, { secrets, clock }) {
    const network = networkOf(written, secrets);
    let known: Known | undefined;

    async function loginHeaders(): Promise<Record<string, string>> {
      const all: Record<string, string> = { accept: 'application/json', 'user-agent': 'bartizan' };
      for (const [name, value] of Object.entries(written.headers)) all[name] = await secrets.resolve(value);
      if (written.bearerToken !== undefined)
        all.authorization = `Bearer ${await secrets.resolve(written.bearerToken)}`;
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
        const first = await secrets.resolve(written.url);
        const sent = await loginHeaders();
        const throughNetwork = await network();
        const read = (url: string, { bytes, timeoutMs }: { bytes: number; timeoutMs: number }) => {
          const limitMs = Math.min(written.timeout, timeoutMs);
          // Another page may be, to the byte, what the whole answer was before.
          const asksForChange = last !== undefined && url === first;
          const request = {
            method: 'GET',
            url,
            headers: asksForChange ? { ...sent, 'if-none-match': last.etag } : sent,
            timeoutMs: limitMs,
            signal: AbortSignal.timeout(limitMs),
            network: throughNetwork,
            responseLimitBytes: bytes,
            explain,
          } as const;
          return sendRequest(request, { nowMs: clock.nowMs, redact: secrets.redact });
        };
        try {
          const pages = await readPages(first, read, written, clock.nowMs);
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

function entriesOf(pages: readonly Page[], shape: HttpInventoryOptions): SourceEntry[] {
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
