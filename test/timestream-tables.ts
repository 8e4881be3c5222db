import {
  CreateDatabaseCommand,
  CreateTableCommand,
  TimestreamWriteClient,
} from '@aws-sdk/client-timestream-write';
import { vi } from 'vitest';
import { type Connection, createTimestreamApi } from '../adapters/stores/timestream/api.ts';
import { createTimestreamStore } from '../adapters/stores/timestream/store.ts';
import type { SampleStore } from '../core/ports.ts';
import { startTimestreamStandIn, type TimestreamStandIn } from '../localstack/timestream/stand-in.ts';

const DATABASE = 'bartizan';
const REGION = 'eu-west-1';

export interface TableProperties {
  memoryHours?: number;
  magneticWrites?: boolean;
}

/** A stand-in whose tables are made one a test, and stores over them with the real SDK. */
export interface TimestreamTables {
  standIn: TimestreamStandIn;
  /** Makes a table; returns how to reach it. */
  create(properties?: TableProperties): Promise<Connection>;
  /** Without tries of the SDK's own: those wait in real time. */
  open(connection: Connection): Promise<SampleStore>;
  stop(): Promise<void>;
}

/** Call it before any test: the SDK takes credentials from the environment. */
export async function startTimestreamTables(
  options: Parameters<typeof startTimestreamStandIn>[0],
): Promise<TimestreamTables> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const standIn = await startTimestreamStandIn({ accessKeyId: 'test', ...options });
  const client = new TimestreamWriteClient({ region: REGION, endpoint: standIn.url });
  await client.send(new CreateDatabaseCommand({ DatabaseName: DATABASE }));
  let tables = 0;
  return {
    standIn,
    async create({ memoryHours = 48, magneticWrites = false } = {}) {
      const table = `table-${++tables}`;
      await client.send(
        new CreateTableCommand({
          DatabaseName: DATABASE,
          TableName: table,
          RetentionProperties: {
            MemoryStoreRetentionPeriodInHours: memoryHours,
            MagneticStoreRetentionPeriodInDays: 400,
          },
          MagneticStoreWriteProperties: { EnableMagneticStoreWrites: magneticWrites },
        }),
      );
      return { region: REGION, endpoint: standIn.url, database: DATABASE, table, timeout: 5_000 };
    },
    open: async (connection) =>
      createTimestreamStore(await createTimestreamApi(connection, { attempts: 1 }), connection),
    async stop() {
      client.destroy();
      await standIn.stop();
      vi.unstubAllEnvs();
    },
  };
}
