import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseCluster } from '../../core/config/cluster-entry.ts';
import { ConfigError } from '../../core/errors.ts';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { configOf, configText } from '../../test/config-cases.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { openSources } from './registry.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.stop());

const own = `bartizan-${process.pid}-${Date.now()}`;
const { bastions } = configOf(configText());
const clusterOf = (name: string) => ({
  name,
  bastion: 'seoul',
  defaults: { port: 2222 },
  nodes: [{ name: 'n1', role: 'etcd', host: '10.0.0.1' }],
});
const sourceOf = (type: string, options: Record<string, unknown>) => {
  const [source] = openSources([{ type, options }], {
    secrets: createSecrets({ baseDir: '/' }),
    clock: { nowMs: () => 0 },
    aws: emulator.client,
  });
  if (!source) throw new Error('no source');
  return source;
};
const read = (text: string) => {
  const parsed = parseCluster(text, bastions);
  return 'cluster' in parsed ? `${parsed.cluster.name}:${parsed.cluster.nodes[0]?.port}` : parsed.problem;
};

it('parameters under a path are clusters, all pages and levels of them, and no others', async () => {
  const ssm = new SSMClient(emulator.client);
  const names = Array.from({ length: 23 }, (_, i) => `${i % 2 ? 'asia/' : ''}c${i}`);
  for (const name of [...names, '../other']) {
    const text = JSON.stringify(clusterOf(name.split('/').at(-1) ?? ''));
    const Name = name.startsWith('..') ? `/${own}/other/c` : `/${own}/clusters/${name}`;
    await ssm.send(new PutParameterCommand({ Name, Value: text, Type: 'String' }));
  }
  const secure = { Name: `/${own}/clusters/safe`, Value: 'name: safe', Type: 'SecureString' as const };
  await ssm.send(new PutParameterCommand(secure));
  ssm.destroy();
  const entries = await sourceOf('ssm', { path: `/${own}/clusters` }).list();
  expect(entries.map(({ id }) => id).sort()).toEqual(
    [...names, 'safe'].map((name) => `/${own}/clusters/${name}`).sort(),
  );
  const texts = new Map(entries.map(({ id, text }) => [id, text]));
  expect(read(texts.get(`/${own}/clusters/c4`) ?? '')).toBe('c4:2222');
  expect(texts.get(secure.Name)).toBe('name: safe');
});

it('items of a table are clusters, sets are lists, and the own attributes of others are left alone', async () => {
  const base = new DynamoDBClient(emulator.client);
  await base.send(
    new CreateTableCommand({
      TableName: own,
      AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'name', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const client = DynamoDBDocumentClient.from(base);
  const hostKeys = new Set([
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ5cm9vbXByb3Zpc2lvbmluZ2tleTAwMDAwMDAwMDAw',
  ]);
  const nodes = [{ name: 'n1', role: 'etcd', host: '10.0.0.1', hostKeys }];
  const Item = { ...clusterOf('added'), nodes, _provisionedBy: 'terraform' };
  await client.send(new PutCommand({ TableName: own, Item }));
  const strange = { name: { S: 'strange' }, nodes: { B: new Uint8Array([1]) } };
  await base.send(new PutItemCommand({ TableName: own, Item: strange }));
  base.destroy();
  const entries = await sourceOf('dynamodb', { table: own }).list();
  const texts = new Map(entries.map(({ id, text }) => [id, text]));
  expect([...texts.keys()].sort()).toEqual(['added', 'strange']);
  expect(JSON.parse(texts.get('added') ?? '')).toEqual({
    ...clusterOf('added'),
    nodes: [{ ...nodes[0], hostKeys: [...hostKeys] }],
  });
  expect(read(texts.get('strange') ?? '')).toContain('bastion');
});

it('a missing table is a ConfigError', async () => {
  await expect(sourceOf('dynamodb', { table: `${own}-none` }).list()).rejects.toThrow(ConfigError);
});
