import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { pageEnd, toWire, type WireResult } from './answer.ts';
import { evaluateSelect } from './evaluation.ts';
import {
  CLIENT_TOKEN_LENGTHS,
  DEFAULT_MAGNETIC_DAYS,
  DEFAULT_MEMORY_HOURS,
  PAGE_ROWS,
  QUERY_BYTES,
  USES_OF_A_TOKEN,
} from './limits.ts';
import { parse, type TableName } from './parser.ts';
import { recordOf, writeRecordsSchema } from './records.ts';
import { invalid, ServiceError } from './service-error.ts';
import { createTable, type Outcome, type Table } from './table.ts';

export interface ServiceOptions {
  nowMs: () => number;
  /** How long after a write a record can be read. */
  readDelayMs: number;
  /** The most rows of a page; a page is never over 1 MB. */
  pageRows: number;
  /** Before each page with rows comes one without: the service may answer so while it still works. */
  emptyPages: boolean;
}

/** The operations by name; each takes the request and returns the answer. @throws ServiceError */
export type Operations = Readonly<Record<string, (request: unknown) => object>>;

const nameSchema = z.string().regex(/^[A-Za-z0-9_.-]{3,256}$/);
const databaseSchema = z.object({ DatabaseName: nameSchema });
const tableSchema = databaseSchema.extend({ TableName: nameSchema });
// https://docs.aws.amazon.com/timestream/latest/developerguide/API_CreateTable.html
const createTableSchema = tableSchema.extend({
  RetentionProperties: z
    .object({
      MemoryStoreRetentionPeriodInHours: z.int().min(1).max(8766),
      MagneticStoreRetentionPeriodInDays: z.int().min(1).max(73_000),
    })
    .optional(),
  MagneticStoreWriteProperties: z.object({ EnableMagneticStoreWrites: z.boolean() }).optional(),
});
const querySchema = z.object({
  QueryString: z.string().min(1),
  ClientToken: z.string().min(CLIENT_TOKEN_LENGTHS.least).max(CLIENT_TOKEN_LENGTHS.most).optional(),
  NextToken: z.string().optional(),
  MaxRows: z.int().min(1).max(PAGE_ROWS).optional(),
});

interface Page {
  query: string;
  result: WireResult;
  from: number;
  /** This page has no rows, and the next one begins at the same row. */
  empty: boolean;
  uses: number;
}

/** The service itself, without its transport: https://docs.aws.amazon.com/timestream/latest/developerguide/API_Operations.html */
export function createOperations(options: ServiceOptions): Operations {
  const databases = new Map<string, Map<string, Table>>();
  const pages = new Map<string, Page>();
  const clientTokens = new Map<string, { request: string; answer: object }>();

  const databaseOf = (name: string) => {
    const found = databases.get(name);
    if (!found) throw missing(`The database ${name} does not exist.`);
    return found;
  };
  const tableOf = ({ DatabaseName, TableName }: z.infer<typeof tableSchema>) => {
    const found = databaseOf(DatabaseName).get(TableName);
    if (!found) throw missing(`The table ${TableName} does not exist.`);
    return found;
  };
  /** Query uses another message and another exception. */
  const queriedTable = ({ database, table }: TableName) => {
    const tables = databases.get(database);
    if (!tables)
      throw invalid(`Requested database '${database}' not found for identifier '${database}.${table}'`);
    const found = tables.get(table);
    if (!found) throw invalid(`The table ${database}.${table} does not exist`);
    return found;
  };

  function writeRecords(request: z.infer<typeof writeRecordsSchema>) {
    const table = tableOf(request);
    const records = request.Records.map((one) => recordOf(one, request.CommonAttributes));
    const nowMs = options.nowMs();
    const outcomes = records.map((record) => table.write(record, nowMs));
    const rejected = outcomes.flatMap((outcome, i) =>
      outcome.kind === 'rejected'
        ? [{ RecordIndex: i, Reason: outcome.reason, ExistingVersion: outcome.existingVersion }]
        : [],
    );
    // The other records are written. The service sends this status.
    if (rejected.length > 0)
      throw new ServiceError(
        'RejectedRecordsException',
        'One or more records have been rejected. See RejectedRecords for details.',
        { status: 419, members: { RejectedRecords: rejected } },
      );
    const count = (kind: Outcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length;
    const [memory, magnetic] = [count('memory'), count('magnetic')];
    return { RecordsIngested: { Total: memory + magnetic, MemoryStore: memory, MagneticStore: magnetic } };
  }

  function run(query: string): WireResult {
    if (Buffer.byteLength(query) > QUERY_BYTES) throw invalid('QueryString is longer than 256 KiB');
    const statement = parse(query);
    const table = queriedTable(statement.table);
    if (statement.kind === 'select')
      return toWire(evaluateSelect(statement, table.columns(), table.rows(options.nowMs())));
    return toWire({
      columns: ['Column', 'Type', 'Timestream attribute type'].map((name) => ({ name, type: 'varchar' })),
      rows: table.describe().map(({ column, type, attribute }) => [column, type, attribute]),
    });
  }

  function answerOf(page: Omit<Page, 'uses'>, most: number) {
    const { query, result, from, empty } = page;
    const end = empty ? from : pageEnd(result.Rows, from, most);
    const more = empty || end < result.Rows.length;
    const token = more && randomUUID();
    if (token) pages.set(token, { query, result, from: end, empty: !empty && options.emptyPages, uses: 0 });
    return {
      QueryId: createHash('sha256').update(query).digest('hex').slice(0, 26).toUpperCase(),
      ColumnInfo: result.ColumnInfo,
      Rows: result.Rows.slice(from, end),
      QueryStatus: {
        ProgressPercentage: more ? 50 : 100,
        CumulativeBytesScanned: 0,
        CumulativeBytesMetered: 0,
      },
      ...(token && { NextToken: token }),
    };
  }

  function query(request: z.infer<typeof querySchema>) {
    const { QueryString, ClientToken, NextToken, MaxRows } = request;
    const most = Math.min(options.pageRows, MaxRows ?? PAGE_ROWS);
    if (NextToken !== undefined) {
      const page = pages.get(NextToken);
      if (!page || page.query !== QueryString || page.uses >= USES_OF_A_TOKEN)
        throw invalid('Invalid pagination token.');
      page.uses++;
      return answerOf(page, most);
    }
    const text = JSON.stringify([QueryString, MaxRows]);
    const known = ClientToken === undefined ? undefined : clientTokens.get(ClientToken);
    if (known && known.request !== text) throw invalid('The client token was used with other parameters.');
    if (known) return known.answer;
    const answer = answerOf(
      { query: QueryString, result: run(QueryString), from: 0, empty: options.emptyPages },
      most,
    );
    if (ClientToken !== undefined) remember(clientTokens, ClientToken, { request: text, answer });
    return answer;
  }

  function describeTable(request: z.infer<typeof tableSchema>) {
    const { memoryHours, magneticDays, magneticWrites } = tableOf(request).properties;
    return {
      Table: {
        ...request,
        TableStatus: 'ACTIVE',
        RetentionProperties: {
          MemoryStoreRetentionPeriodInHours: memoryHours,
          MagneticStoreRetentionPeriodInDays: magneticDays,
        },
        MagneticStoreWriteProperties: { EnableMagneticStoreWrites: magneticWrites },
      },
    };
  }

  return {
    // Without a port: a client that discovers keeps the port of its endpoint.
    DescribeEndpoints: () => ({ Endpoints: [{ Address: '127.0.0.1', CachePeriodInMinutes: 1440 }] }),
    CreateDatabase: checked(databaseSchema, ({ DatabaseName }) => {
      if (databases.has(DatabaseName)) throw conflict(`The database ${DatabaseName} already exists.`);
      databases.set(DatabaseName, new Map());
      return { Database: { DatabaseName, TableCount: 0 } };
    }),
    DescribeDatabase: checked(databaseSchema, ({ DatabaseName }) => ({
      Database: { DatabaseName, TableCount: databaseOf(DatabaseName).size },
    })),
    CreateTable: checked(createTableSchema, (request) => {
      const { DatabaseName, TableName, RetentionProperties: retention } = request;
      const tables = databaseOf(DatabaseName);
      if (tables.has(TableName)) throw conflict(`The table ${TableName} already exists.`);
      const properties = {
        memoryHours: retention?.MemoryStoreRetentionPeriodInHours ?? DEFAULT_MEMORY_HOURS,
        magneticDays: retention?.MagneticStoreRetentionPeriodInDays ?? DEFAULT_MAGNETIC_DAYS,
        magneticWrites: request.MagneticStoreWriteProperties?.EnableMagneticStoreWrites ?? false,
      };
      tables.set(TableName, createTable(properties, options.readDelayMs));
      return describeTable({ DatabaseName, TableName });
    }),
    DescribeTable: checked(tableSchema, describeTable),
    DeleteTable: checked(tableSchema, (request) => {
      tableOf(request);
      databases.get(request.DatabaseName)?.delete(request.TableName);
      return {};
    }),
    WriteRecords: checked(writeRecordsSchema, writeRecords),
    Query: checked(querySchema, query),
  };
}

function checked<T>(schema: z.ZodType<T>, operation: (request: T) => object) {
  return (request: unknown) => {
    const parsed = schema.safeParse(request);
    if (parsed.success) return operation(parsed.data);
    const [issue] = parsed.error.issues;
    throw invalid(
      `${parsed.error.issues.length} validation error detected: Value at '${issue?.path.join('.')}' failed to satisfy constraint: ${issue?.message}`,
    );
  };
}

/** The tokens of the last thousand queries are enough: a client uses one for a short time. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > 1000 && oldest !== undefined) map.delete(oldest);
}

const missing = (message: string) => new ServiceError('ResourceNotFoundException', message);
const conflict = (message: string) => new ServiceError('ConflictException', message, { status: 409 });
