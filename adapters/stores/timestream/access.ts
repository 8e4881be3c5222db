import { type Connection, createTimestreamApi, type TableFacts } from './api.ts';

/**
 * Whether the table can be used with the credentials of the process, for a check before a deployment; returns what
 * the table is like. Asks for one thing only, so it does not check the rights to write and to select.
 * @throws ConfigError for an account without Timestream for LiveAnalytics (naming the alternative), for credentials
 *   that are refused, for a table that is missing; RetryableError where the service cannot be reached
 */
export async function checkTimestreamAccess(connection: Connection): Promise<TableFacts> {
  const api = await createTimestreamApi(connection);
  try {
    return await api.describe();
  } finally {
    api.close();
  }
}
