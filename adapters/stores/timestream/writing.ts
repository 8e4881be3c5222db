import { PermanentError, RetryableError } from '../../../core/errors.ts';
import type { WriteResult } from '../../../core/ports.ts';
import type { Rejection, TimestreamApi } from './api.ts';
import { RECORD_VERSION, SERIES } from './columns.ts';
import { type Draft, draftKey, gather, recordOf } from './records.ts';
import type { Cell } from './rows.ts';
import { recordsQuery, type Table } from './sql.ts';

/** https://docs.aws.amazon.com/timestream/latest/developerguide/ts-limits.html */
const RECORDS_A_REQUEST = 100;
const CONCURRENT_REQUESTS = 8;
/** Of 2 KB each, twice as long with every quote doubled, in a query of 256 KiB at the utmost. */
const RECORDS_A_QUERY = 50;
/** How the service names a record that is older than the table takes: https://docs.aws.amazon.com/timestream/latest/developerguide/API_RejectedRecord.html */
const TOO_LATE = /outside the time range/;
/** How often a record that others change meanwhile is read and added to. */
const ADDING_ROUNDS = 4;
/** How often requests that are called invalid as a whole are cut in two, to find the records that are: seven cuts find one. */
const MOST_CUTS = 96;

/** A record to send, and what of its samples it adds to what is there. */
interface Attempt {
  draft: Draft;
  earlier?: { version: number; values: ReadonlyMap<string, number> };
}

/**
 * Writes samples so that the first write of each wins. A record is one of version 1, which the service takes again
 * when it is the same and refuses when it differs. A refused one is read: of metrics that it has the samples are
 * duplicates, others are added by a record of the next version, which in turn is refused if somebody else was
 * quicker. So that a stale read is never added to, an added-to record holds its version.
 *
 * Requests go out side by side. When one fails the others may have been written; written again they change nothing.
 * Records older than the memory store holds are the table's matter: the service takes them into its magnetic store
 * where the table says so, and judges them later, unseen by us; else it refuses them. @throws as TimestreamApi
 */
export async function writeSamples(
  api: TimestreamApi,
  table: Table,
  samples: Parameters<typeof gather>[0],
): Promise<WriteResult> {
  const { drafts, duplicates, rejected } = gather(samples);
  const result = { written: 0, duplicates, rejected };
  let attempts: Attempt[] = drafts.map((draft) => ({ draft }));
  const cuts = { left: MOST_CUTS };
  for (let round = 0; round <= ADDING_ROUNDS; round++) {
    const conflicts: Conflict[] = [];
    const refusals = await inBatches(attempts, RECORDS_A_REQUEST, (batch) => send(api, batch, cuts));
    attempts.forEach(({ draft }, i) => {
      const refusal = refusals[i];
      if (refusal?.existingVersion !== undefined) conflicts.push({ draft, version: refusal.existingVersion });
      else if (refusal) {
        const { reason } = refusal;
        const cause = TOO_LATE.test(reason) ? 'too-late' : 'invalid';
        for (const sample of draft.samples.values()) rejected.push({ sample, reason, cause });
      } else result.written += draft.samples.size;
    });
    if (conflicts.length === 0) return result;
    const read = await inBatches(conflicts, RECORDS_A_QUERY, (batch) => resolve(api, table, batch));
    result.duplicates += read.reduce((sum, one) => sum + one.duplicates, 0);
    attempts = read.flatMap(({ attempt }) => (attempt ? [attempt] : []));
    if (attempts.length === 0) return result;
  }
  throw new RetryableError(`Timestream: ${attempts.length} records are changed by others all the time`);
}

interface Conflict {
  draft: Draft;
  /** Version of the record that is stored. */
  version: number;
}

/**
 * One refusal or none for each record, in their order. A request may also be called invalid as a whole: without the records
 * that are, it is not. @throws PermanentError when the cuts are used up
 */
async function send(
  api: TimestreamApi,
  batch: readonly Attempt[],
  cuts: { left: number },
): Promise<(Rejection | undefined)[]> {
  const rejections = await api
    .write(batch.map(({ draft, earlier }) => recordOf(draft, earlier)))
    .catch((error: unknown) => {
      if (error instanceof PermanentError) return error;
      throw error;
    });
  if (rejections instanceof PermanentError) {
    if (batch.length === 1) return [{ index: 0, reason: rejections.message, existingVersion: undefined }];
    if (cuts.left-- <= 0) throw rejections;
    const middle = batch.length >> 1;
    const first = await send(api, batch.slice(0, middle), cuts);
    return [...first, ...(await send(api, batch.slice(middle), cuts))];
  }
  const byIndex = new Map(rejections.map((one) => [one.index, one]));
  return batch.map((_, i) => byIndex.get(i));
}

/** What of each draft is there already, and what is to be added to it. */
async function resolve(api: TimestreamApi, table: Table, batch: readonly Conflict[]) {
  const drafts = batch.map(({ draft }) => draft);
  const rows = await api.query(recordsQuery(table, drafts));
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return batch.map(({ draft, version }) => {
    const row = byKey.get(draftKey(draft));
    const read = Number(row?.[RECORD_VERSION] ?? 1);
    // Reads may be behind writes: https://docs.aws.amazon.com/timestream/latest/developerguide/API_WriteRecords.html
    if (!row || read < version)
      throw new RetryableError(`Timestream: version ${version} of a record cannot be read yet`, {
        retryAfterMs: 1000,
      });
    const values = measuresOf(row);
    const added = new Map([...draft.samples].filter(([metric]) => !values.has(metric)));
    const duplicates = draft.samples.size - added.size;
    if (added.size === 0) return { duplicates };
    return {
      duplicates,
      attempt: { draft: { ...draft, samples: added }, earlier: { version: read, values } },
    };
  });
}

function keyOf(row: Record<string, Cell>): string {
  const group = String(row.measure_name) as Draft['group'];
  return draftKey({ group, series: String(row[SERIES]), timeMs: Number(row.time) });
}

/** Metrics of a record, those included that a newer or older catalogue has. Dimensions are text. */
function measuresOf(row: Record<string, Cell>): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, cell] of Object.entries(row)) {
    if (typeof cell === 'number' && name !== 'time' && name !== RECORD_VERSION) found.set(name, cell);
  }
  return found;
}

/**
 * Runs `work` over batches, a few at a time; results in order. After an error no more are begun; it is thrown when
 * those on their way have ended.
 */
async function inBatches<In, Out>(
  items: readonly In[],
  size: number,
  work: (batch: readonly In[]) => Promise<Out[]>,
): Promise<Out[]> {
  const batches = Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
  const results: Out[][] = [];
  let next = 0;
  const worker = async () => {
    while (next < batches.length) {
      const mine = next++;
      try {
        results[mine] = await work(batches[mine] ?? []);
      } catch (error) {
        next = batches.length;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: CONCURRENT_REQUESTS }, worker));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return results.flat();
}
