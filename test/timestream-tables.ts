import {
  CreateDatabaseCommand,
  CreateTableCommand,
  TimestreamWriteClient,
} from '@aws-sdk/client-timestream-write';
import { vi } from 'vitest';
import { type Connection, createTimestreamApi } from '../adapters/stores/timestream/api.ts';
import { createTimestreamStore } from '../adapters/stores/timestream/store.ts';
import type { SampleStore } from '../core/ports.ts';
import { startTimestreamEmulator, type TimestreamEmulator } from '../localstack/timestream/emulator.ts';

const DATABASE = 'bartizan';
const REGION = 'eu-west-1';

export interface TableProperties {
  memoryHours?: number;
  magneticWrites?: boolean;
}

/** An emulator with a new table for each test, and stores over it with the real SDK. */
export interface TimestreamTables {
  timestream: TimestreamEmulator;
  /** Creates a table; returns how to reach it. */
  create(properties?: TableProperties): Promise<Connection>;
  /** Without retries of the SDK, which wait in real time. */
  open(connection: Connection): Promise<SampleStore>;
  stop(): Promise<void>;
}

/** Call it before any test: the SDK takes credentials from the environment. */
export async function startTimestreamTables(
  options: Parameters<typeof startTimestreamEmulator>[0],
): Promise<TimestreamTables> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const timestream = await startTimestreamEmulator({ accessKeyId: 'test', ...options });
  const client = new TimestreamWriteClient({ region: REGION, endpoint: timestream.url });
  await client.send(new CreateDatabaseCommand({ DatabaseName: DATABASE }));
  let tables = 0;
  return {
    timestream,
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
      return { region: REGION, endpoint: timestream.url, database: DATABASE, table, timeout: 5_000 };
    },
    open: async (connection) =>
      createTimestreamStore(await createTimestreamApi(connection, { attempts: 1 }), connection),
    async stop() {
      client.destroy();
      await timestream.stop();
      vi.unstubAllEnvs();
    },
  };
}
