import { randomUUID } from 'node:crypto';
import type { ColumnInfo, QueryRequest, Row } from '@aws-sdk/client-timestream-query';
import type { _Record } from '@aws-sdk/client-timestream-write';
import { RetryableError } from '../../../core/errors.ts';
import { type Cell, readRows } from './rows.ts';
import { typedError } from './service-errors.ts';
import type { Table } from './sql.ts';

export interface Connection extends Table {
  region: string;
  /** Address of both services; without it the SDK discovers the region's. */
  endpoint?: string | undefined;
  /** How long an answer is waited for, retries of the SDK included. */
  timeout: number;
}

/** A record that was refused; all others of its request were written. */
export interface Rejection {
  index: number;
  reason: string;
  /** Set where a record is there already. */
  existingVersion: number | undefined;
}

/** What the store needs of the service. Errors are typed. */
export interface TimestreamApi {
  /** Writes up to 100 records; returns those that were refused. */
  write(records: readonly _Record[]): Promise<Rejection[]>;
  /** All rows of a query, of however many pages. */
  query(sql: string): Promise<Record<string, Cell>[]>;
  /** Settings of the table: hours in the memory store, days in the magnetic one, whether late records are taken. */
  describe(): Promise<TableFacts>;
  close(): void;
}

export interface TableFacts {
  memoryStoreHours: number;
  magneticStoreDays: number;
  magneticStoreWrites: boolean;
}

/** Pages of one query: 5 GB of result, the service's limit, are 5,000. */
const MOST_PAGES = 20_000;

/**
 * The service by its SDK, which signs, discovers endpoints and tries again what is throttled. `endpoint` is handed to
 * the clients' constructors: that skips the discovery, where the variables of the environment would not.
 */
export async function createTimestreamApi(
  connection: Connection,
  { attempts = 3 }: { attempts?: number } = {},
): Promise<TimestreamApi> {
  const [write, query] = await Promise.all([
    import('@aws-sdk/client-timestream-write'),
    import('@aws-sdk/client-timestream-query'),
  ]);
  const { region, endpoint, database, table, timeout } = connection;
  const config = { region, maxAttempts: attempts, ...(endpoint !== undefined && { endpoint }) };
  const writer = new write.TimestreamWriteClient(config);
  const reader = new query.TimestreamQueryClient(config);
  const names = { DatabaseName: database, TableName: table };
  const where = `Timestream ${database}.${table} in ${region}`;
  const limit = () => ({ abortSignal: AbortSignal.timeout(timeout) });

  async function page(request: QueryRequest): Promise<Page> {
    try {
      const { ColumnInfo, Rows, NextToken } = await reader.send(new query.QueryCommand(request), limit());
      // What is no answer to a query must not pass for an empty one.
      if (!ColumnInfo || !Rows)
        throw new RetryableError(`${where}: answered a query without columns and rows`);
      return { columns: ColumnInfo, rows: Rows, next: NextToken };
    } catch (error) {
      throw typedError(error, where);
    }
  }

  return {
    async write(records) {
      const request = {
        ...names,
        CommonAttributes: { MeasureValueType: 'MULTI' as const, TimeUnit: 'MILLISECONDS' as const },
        Records: [...records],
      };
      try {
        const { RecordsIngested } = await writer.send(new write.WriteRecordsCommand(request), limit());
        if (RecordsIngested?.Total === records.length) return [];
        throw new RetryableError(`${where}: took ${RecordsIngested?.Total} of ${records.length} records`);
      } catch (error) {
        if (error instanceof write.RejectedRecordsException && error.RejectedRecords)
          return error.RejectedRecords.map(({ RecordIndex, Reason, ExistingVersion }) => ({
            index: RecordIndex ?? 0,
            reason: Reason ?? 'Timestream gives no reason',
            existingVersion: ExistingVersion,
          }));
        throw typedError(error, where);
      }
    },
    async query(sql) {
      const found: Record<string, Cell>[] = [];
      // Sent again by the SDK after a broken connection, the query is the same one to the service.
      let request: QueryRequest = { QueryString: sql, ClientToken: randomUUID() };
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const { columns, rows, next } = await page(request);
        for (const row of readRows(columns, rows)) found.push(row);
        if (!next) return found;
        if (next === request.NextToken) throw new RetryableError(`${where}: a query does not get on`);
        request = { QueryString: sql, NextToken: next };
      }
      throw new RetryableError(`${where}: a query has more than ${MOST_PAGES} pages`);
    },
    async describe() {
      try {
        const { Table: facts } = await writer.send(new write.DescribeTableCommand(names), limit());
        const retention = facts?.RetentionProperties;
        return {
          memoryStoreHours: retention?.MemoryStoreRetentionPeriodInHours ?? 0,
          magneticStoreDays: retention?.MagneticStoreRetentionPeriodInDays ?? 0,
          magneticStoreWrites: facts?.MagneticStoreWriteProperties?.EnableMagneticStoreWrites ?? false,
        };
      } catch (error) {
        throw typedError(error, where);
      }
    },
    close() {
      writer.destroy();
      reader.destroy();
    },
  };
}

interface Page {
  columns: ColumnInfo[];
  rows: Row[];
  next: string | undefined;
}
