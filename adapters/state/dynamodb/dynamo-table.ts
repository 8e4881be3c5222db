import type * as Client from '@aws-sdk/client-dynamodb';
import type * as Document from '@aws-sdk/lib-dynamodb';
import { PermanentError, RetryableError } from '../../../core/errors.ts';
import { appendAll } from '../../../core/numbers/extremes.ts';
import type { AwsClient } from '../../aws/client.ts';
import { awsError } from '../../aws/errors.ts';
import { queryInput, transactItem } from './expressions.ts';
import { beyondLimits, type Index, type Item, type Key, type Table, type TableQuery } from './table.ts';

export interface DynamoTableOptions {
  table: string;
  client?: AwsClient;
  /** Resolves after that many ms. */
  sleep: (ms: number) => Promise<void>;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const KEYS_A_CALL = 100;
/** The SDK repeats what was throttled, but neither a transaction that met another nor keys that were left over. */
const TRIES = 6;
const FIRST_PAUSE_MS = 25;

interface Reason {
  Code?: string;
  Message?: string;
}

/**
 * A table of DynamoDB. Nothing is sent before the first call.
 * @throws ConfigError no such table, or not allowed; PermanentError what DynamoDB calls invalid; RetryableError
 * throttled, in the way of another transaction for long, not reachable
 */
export async function openDynamoTable(options: DynamoTableOptions): Promise<Table> {
  const { table: TableName, client: settings = {}, sleep } = options;
  // The SDK takes a while to load, and most commands need none of it.
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
  const document = await import('@aws-sdk/lib-dynamodb');
  const base: Client.DynamoDBClient = new DynamoDBClient(settings);
  const client: Document.DynamoDBDocumentClient = document.DynamoDBDocumentClient.from(base);
  const what = `table ${TableName}`;
  const pause = (tried: number) => sleep(FIRST_PAUSE_MS * 2 ** tried * (0.5 + Math.random()));
  const typed = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw awsError(error, what);
    }
  };

  async function getPage(page: readonly Key[]): Promise<Item[]> {
    const items: Item[] = [];
    let left: Record<string, unknown>[] = page.map(({ pk, sk }) => ({ pk, sk }));
    for (let tried = 0; tried < TRIES; tried++) {
      const RequestItems = { [TableName]: { Keys: left, ConsistentRead: true } };
      const answer = await typed(client.send(new document.BatchGetCommand({ RequestItems })));
      appendAll(items, (answer.Responses?.[TableName] ?? []) as Item[]);
      left = answer.UnprocessedKeys?.[TableName]?.Keys ?? [];
      if (left.length === 0) return items;
      await pause(tried);
    }
    throw new RetryableError(`${what}: ${left.length} items were not given, however often asked for`);
  }

  async function pages(query: TableQuery, index?: Index): Promise<Item[]> {
    const items: Item[] = [];
    const limit = query.limit ?? Infinity;
    let start: Record<string, unknown> | undefined;
    do {
      const input = {
        ...queryInput(TableName, query, index),
        ...(limit < Infinity && { Limit: limit - items.length }),
        ...(start && { ExclusiveStartKey: start }),
      };
      const page = await typed(client.send(new document.QueryCommand(input)));
      appendAll(items, (page.Items ?? []) as Item[]);
      start = page.LastEvaluatedKey;
    } while (start && items.length < limit);
    return items;
  }

  return {
    async get(keys) {
      const items: Item[] = [];
      for (const page of pagesOf(distinct(keys))) appendAll(items, await getPage(page));
      return items;
    },
    query: (query) => pages(query),
    lookUp: (index, query) => pages(query, index),
    async write(writes) {
      const problem = beyondLimits(writes);
      if (problem !== undefined) throw new PermanentError(`${what}: ${problem}`);
      if (writes.length === 0) return [];
      const TransactItems = writes.map((write) => transactItem(TableName, write));
      for (let tried = 0; ; tried++) {
        try {
          const { Put, Delete } = TransactItems[0] ?? {};
          if (TransactItems.length === 1 && Put) await client.send(new document.PutCommand(Put));
          else if (TransactItems.length === 1 && Delete)
            await client.send(new document.DeleteCommand(Delete));
          else await client.send(new document.TransactWriteCommand({ TransactItems }));
          return [];
        } catch (error) {
          const verdict = classifyRefusal(error);
          if (verdict.failed) return verdict.failed;
          if (!verdict.again) throw verdict.error ?? awsError(error, what);
          if (tried + 1 === TRIES) throw new RetryableError(`${what}: ${verdict.why}`, { cause: error });
          await pause(tried);
        }
      }
    },
    close: async () => base.destroy(),
  };

  function classifyRefusal(error: unknown): {
    failed?: readonly number[];
    again?: true;
    why?: string;
    error?: Error;
  } {
    const { name, CancellationReasons = [] } = error as { name?: string; CancellationReasons?: Reason[] };
    if (name === 'ConditionalCheckFailedException') return { failed: [0] };
    if (name === 'TransactionConflictException' || name === 'TransactionInProgressException')
      return { again: true, why: 'another transaction is in the way' };
    if (name !== 'TransactionCanceledException') return {};
    const codes = CancellationReasons.map((reason) => reason.Code ?? 'None');
    const failed = codes.flatMap((code, i) => (code === 'ConditionalCheckFailed' ? [i] : []));
    if (failed.length > 0) return { failed };
    const wrong = codes.findIndex(
      (code) => code === 'ValidationError' || code === 'ItemCollectionSizeLimitExceeded',
    );
    if (wrong >= 0) {
      const { Code, Message } = CancellationReasons[wrong] ?? {};
      return { error: new PermanentError(`${what}: ${Code}: ${Message}`, { cause: error }) };
    }
    // TransactionConflict, ThrottlingError, ProvisionedThroughputExceeded: later is better.
    return { again: true, why: `the transaction was cancelled (${[...new Set(codes)].join(', ')})` };
  }
}

function pagesOf(keys: readonly Key[]): Key[][] {
  const count = Math.ceil(keys.length / KEYS_A_CALL);
  return Array.from({ length: count }, (_, i) => keys.slice(i * KEYS_A_CALL, (i + 1) * KEYS_A_CALL));
}

/** One key twice is an error to BatchGetItem. */
function distinct(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map(({ pk, sk }) => [JSON.stringify([pk, sk]), { pk, sk }])).values()];
}
