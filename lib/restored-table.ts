// A table that was restored from a backup lacks its stream and its settings
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html). This finds
// them before functions use the table, and prints the commands that set them.
import type { AwsClient } from '../adapters/aws/client.ts';
import { awsError } from '../adapters/aws/errors.ts';
import { TABLE_DEFINITION, TTL_ATTRIBUTE } from '../adapters/state/dynamodb/layout.ts';

export interface TableFacts {
  /** As in `TABLE_DEFINITION`, with names of indexes in order. */
  keys: readonly { AttributeName?: string | undefined; KeyType?: string | undefined }[];
  indexes: readonly string[];
  isActive: boolean;
  /** The ARN of its stream, if it has one with new items. */
  stream: string | undefined;
  /** The attribute by which items expire. */
  expiresBy: string | undefined;
  isProtected: boolean;
  canBeRestored: boolean;
}

/** @throws ConfigError | PermanentError | RetryableError */
export async function describeStateTable(
  TableName: string,
  client: AwsClient,
): Promise<TableFacts | undefined> {
  const sdk = await import('@aws-sdk/client-dynamodb');
  const dynamodb = new sdk.DynamoDBClient(client);
  try {
    const [{ Table = {} }, { TimeToLiveDescription: expiry }, { ContinuousBackupsDescription: backups }] =
      await Promise.all([
        dynamodb.send(new sdk.DescribeTableCommand({ TableName })),
        dynamodb.send(new sdk.DescribeTimeToLiveCommand({ TableName })),
        dynamodb.send(new sdk.DescribeContinuousBackupsCommand({ TableName })),
      ]);
    const { StreamSpecification: stream, LatestStreamArn } = Table;
    const isRead = stream?.StreamEnabled === true && /NEW_(AND_OLD_)?IMAGE/.test(stream.StreamViewType ?? '');
    return {
      keys: Table.KeySchema ?? [],
      indexes: (Table.GlobalSecondaryIndexes ?? []).flatMap(({ IndexName }) => IndexName ?? []),
      isActive: Table.TableStatus === 'ACTIVE' || Table.TableStatus === 'UPDATING',
      stream: isRead ? LatestStreamArn : undefined,
      expiresBy: /^ENABL/.test(expiry?.TimeToLiveStatus ?? '') ? expiry?.AttributeName : undefined,
      isProtected: Table.DeletionProtectionEnabled === true,
      canBeRestored: backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED',
    };
  } catch (cause) {
    const { name } = cause as Error;
    if (name === 'ResourceNotFoundException' || name === 'TableNotFoundException') return undefined;
    throw awsError(cause, `table ${TableName}`);
  } finally {
    dynamodb.destroy();
  }
}

/** A line for each setting that is missing. */
export function tableProblems(table: string, facts: TableFacts | undefined): string[] {
  const at = `-c stateTable=${table}`;
  if (facts === undefined) return [`${at}: there is no such table here`];
  if (!facts.isActive) return [`${at}: it is still being restored`];
  const { KeySchema, GlobalSecondaryIndexes } = TABLE_DEFINITION;
  const isSame = KeySchema.every(({ AttributeName, KeyType }) =>
    facts.keys.some((key) => key.AttributeName === AttributeName && key.KeyType === KeyType),
  );
  const missing = GlobalSecondaryIndexes.filter(({ IndexName }) => !facts.indexes.includes(IndexName));
  if (!isSame || missing.length > 0)
    return [`${at}: it does not have the keys and indexes of our state; restore it with all its indexes`];
  const command = (what: string, ...args: string[]) =>
    `\`aws dynamodb ${what} --table-name ${table} ${args.join(' ')}\``;
  const lacks: [is: boolean, what: string, remedy: string][] = [
    [
      facts.stream !== undefined,
      'no stream that wakes the notifier',
      command('update-table', '--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE'),
    ],
    [
      facts.expiresBy === TTL_ATTRIBUTE,
      'nothing in it expires',
      command(
        'update-time-to-live',
        `--time-to-live-specification Enabled=true,AttributeName=${TTL_ATTRIBUTE}`,
      ),
    ],
    [
      facts.canBeRestored,
      'it could not be restored again',
      command(
        'update-continuous-backups',
        '--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true',
      ),
    ],
    [facts.isProtected, 'anybody could delete it', command('update-table', '--deletion-protection-enabled')],
  ];
  return lacks.flatMap(([is, what, remedy]) => (is ? [] : [`${at}: ${what}; ${remedy}`]));
}
