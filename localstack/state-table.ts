import type { AwsClient } from '../adapters/aws/client.ts';
import { awsError } from '../adapters/aws/errors.ts';
import { TABLE_DEFINITION, TTL_ATTRIBUTE } from '../adapters/state/dynamodb/layout.ts';

const UP_WITHIN_SECONDS = 60;

/** Creates the table and waits until it can be used. Only for emulators: in an account the deployment creates it. */
export async function createStateTable(TableName: string, settings: AwsClient): Promise<void> {
  const { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand, waitUntilTableExists } = await import(
    '@aws-sdk/client-dynamodb'
  );
  const client = new DynamoDBClient(settings);
  try {
    await client.send(new CreateTableCommand({ TableName, ...TABLE_DEFINITION }));
    await waitUntilTableExists({ client, maxWaitTime: UP_WITHIN_SECONDS, minDelay: 1 }, { TableName });
    const TimeToLiveSpecification = { AttributeName: TTL_ATTRIBUTE, Enabled: true };
    await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  } catch (error) {
    throw awsError(error, `table ${TableName}`);
  } finally {
    client.destroy();
  }
}
