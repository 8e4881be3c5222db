import { z } from 'zod';
import { awsError } from '../aws/errors.ts';
import type { InventoryAdapter, SourceEntry } from './inventory-adapter.ts';

const options = z.strictObject({
  table: z
    .string()
    .regex(/^[\w.-]{3,255}$/, { error: 'this is not the name of a table' })
    .describe(
      'Name of the table. Each item is one cluster, its attributes those of `clusters[]`; attributes whose names begin with `_` are left alone. Needs `dynamodb:Scan`',
    ),
});

export const dynamodb: InventoryAdapter<z.output<typeof options>> = {
  type: 'dynamodb',
  title: 'A table of DynamoDB, an item a cluster',
  options,
  open({ table }, { aws = {} }) {
    const name = `table ${table}`;
    return {
      name,
      async list() {
        const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
        const { DynamoDBDocumentClient, paginateScan } = await import('@aws-sdk/lib-dynamodb');
        const base = new DynamoDBClient(aws);
        const client = DynamoDBDocumentClient.from(base);
        const entries: SourceEntry[] = [];
        try {
          for await (const { Items = [] } of paginateScan(
            { client },
            { TableName: table, ConsistentRead: true },
          )) {
            entries.push(...Items.map(entryOf));
          }
        } catch (cause) {
          throw awsError(cause, name);
        } finally {
          base.destroy();
        }
        return entries;
      },
    };
  },
};

function entryOf(item: Record<string, unknown>): SourceEntry {
  const own = Object.entries(item).filter(([attribute]) => !attribute.startsWith('_'));
  const text = JSON.stringify(Object.fromEntries(own), (_key, value) =>
    value instanceof Set ? [...value] : value,
  );
  return { id: typeof item.name === 'string' ? item.name : 'an item without a name', text };
}
