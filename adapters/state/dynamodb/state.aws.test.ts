import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.ts';
import type { StateStore } from '../../../core/ports.ts';
import { type Emulator, startEmulator } from '../../../localstack/emulator.ts';
import { createStateTable } from '../../../localstack/state-table.ts';
import {
  alertOf,
  holding,
  idsOf,
  incidentOf,
  putIncidents,
  T0,
  transitionOf,
} from '../../../test/contract/state-fixtures.ts';
import { describeStateStore } from '../../../test/contract/state-store.ts';
import { examineStory, playForEver } from '../../../test/contract/state-story.ts';
import { noise } from '../../../test/noise.ts';
import { WAKE_FILTER } from './layout.ts';
import { openDynamoState } from './state.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.stop());

let tables = 0;
const newTable = async () => {
  const table = `bartizan-${process.pid}-${Date.now()}-${tables++}`;
  await createStateTable(table, emulator.client);
  return table;
};
const open = (table: string): Promise<StateStore> =>
  openDynamoState({
    table,
    client: emulator.client,
    clock: { nowMs: Date.now },
    historyMs: 90 * 86_400_000,
  });

interface StreamRecord {
  eventName: string;
  dynamodb: { NewImage?: Record<string, { S?: string }> };
}

/** All records of a table's stream; its client is not worth a dependency. */
async function streamOf(TableName: string): Promise<StreamRecord[]> {
  const client = new DynamoDBClient(emulator.client);
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  client.destroy();
  const ask = async (action: string, body: Record<string, unknown>) => {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDBStreams_20120810.${action}`,
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    };
    const answer = await fetch(emulator.url, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  };
  const StreamArn = Table?.LatestStreamArn;
  const { StreamDescription } = await ask('DescribeStream', { StreamArn });
  const { Shards } = StreamDescription as { Shards: { ShardId: string }[] };
  const records: StreamRecord[] = [];
  for (const { ShardId } of Shards) {
    const from = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
    const { ShardIterator } = await ask('GetShardIterator', from);
    records.push(...((await ask('GetRecords', { ShardIterator })).Records as StreamRecord[]));
  }
  return records;
}

describeStateStore('dynamodb', async () => {
  const table = await newTable();
  return { open: () => open(table), remove: async () => undefined };
});

describe('state on DynamoDB', () => {
  it('gives all pages of what is more than a megabyte', async () => {
    const state = await open(await newTable());
    const nodes = Array.from({ length: 6 }, (_, i) => `n${i}`);
    for (const node of nodes) {
      const alert = alertOf(node, { labels: { node, text: noise(330_000) } });
      await state.commitAlert({ alert, expectedVersion: 0, transitions: [], dueAtMs: T0 });
    }
    expect(idsOf(await state.listAlerts('mem'))).toEqual(nodes.map((node) => `mem:${node}`));
    await state.close();
  });

  it('keeps an incident of many alerts and several parts', async () => {
    const state = await open(await newTable());
    const alerts = Array.from({ length: 150 }, (_, i) => alertOf(`n${i}`));
    const incident = incidentOf('i1', { alerts: holding(...alerts), groupLabels: { text: noise(900_000) } });
    await putIncidents(state, incident);
    expect(await state.incidentsOfAlert('mem:n149')).toEqual([{ value: incident, version: 1 }]);
    const closed = { ...incident, closedAtMs: T0 };
    await state.commitIncidents({ incidents: [{ value: closed, version: 1 }] });
    expect(await state.incidentsOfAlert('mem:n149')).toEqual([]);
    expect(await state.prune(T0 + 1)).toBe(1);
    expect(await state.loadIncident('i1')).toBeUndefined();
    await state.close();
  });

  it('is at every step of a story what whole steps leave', async () => {
    const state = await open(await newTable());
    let steps = 0;
    const stopAt = (limit: number) => () => {
      if (++steps >= limit) throw new Error('enough');
    };
    for (const limit of [1, 2, 3, 20, 41]) {
      steps = 0;
      await expect(playForEver(state, stopAt(limit))).rejects.toThrow('enough');
      await examineStory(state);
    }
    await state.close();
  });

  it('shows in its stream which records are worth waking for', async () => {
    const table = await newTable();
    const state = await open(table);
    const alert = alertOf('n');
    const transitions = (['pending', 'firing'] as const).map((kind, i) => transitionOf(alert, kind, T0 + i));
    await state.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });
    const consumed = [transitions[1]?.id ?? ''];
    await state.commitIncidents({ incidents: [{ value: incidentOf('i1'), version: 0 }], consumed });
    const records = await streamOf(table);
    const woken = records.filter(({ eventName, dynamodb }) => {
      const kind = dynamodb.NewImage?.kind?.S ?? '';
      return (
        WAKE_FILTER.eventName.some((name) => name === eventName) &&
        WAKE_FILTER.dynamodb.NewImage.kind.S.some((one) => one === kind)
      );
    });
    expect(woken.map(({ dynamodb }) => dynamodb.NewImage?.id?.S)).toEqual(consumed);
    expect(records.length).toBeGreaterThan(5);
    expect(records.filter(({ eventName }) => eventName === 'REMOVE')).toHaveLength(1);
    await state.close();
  });

  it('says which table is not there', async () => {
    const state = await open('bartizan-none');
    const missing = state.listRules();
    await expect(missing).rejects.toThrow(ConfigError);
    await expect(missing).rejects.toThrow(/^table bartizan-none: ResourceNotFoundException/);
  });
});
