import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';
import { type AwsWire, refusal, startAwsWire } from '../../../test/aws-wire.ts';
import { openDynamoTable } from './dynamo-table.ts';
import type { Item, Table, Write } from './table.ts';

describe('a table of DynamoDB, by its wire', () => {
  let wire: AwsWire;
  let table: Table;
  let { answers, asked }: Pick<AwsWire, 'answers' | 'asked'> = { answers: [], asked: [] };
  const pauses: number[] = [];
  beforeEach(async () => {
    pauses.length = 0;
    wire = await startAwsWire();
    ({ answers, asked } = wire);
    const sleep = async (ms: number) => void pauses.push(ms);
    table = await openDynamoTable({ table: 'state', client: wire.client, sleep });
  });
  afterEach(async () => {
    await table.close();
    await wire.close();
  });

  const cancelled = (...codes: string[]) =>
    refusal('TransactionCanceledException', {
      CancellationReasons: codes.map((Code) => ({ Code, Message: `${Code} said` })),
    });
  const put = (sk: string): Write => ({ put: { pk: 'p', sk, kind: 'test' }, if: { is: 'absent' } });
  const two = [put('a'), put('b')];

  it('tells which conditions do not hold, of one write and of a transaction', async () => {
    answers.push(refusal('ConditionalCheckFailedException'));
    expect(await table.write([put('a')])).toEqual([0]);
    answers.push(cancelled('None', 'ConditionalCheckFailed'));
    expect(await table.write(two)).toEqual([1]);
    answers.push(cancelled('ConditionalCheckFailed', 'TransactionConflict'));
    expect(await table.write(two)).toEqual([0]);
    expect(asked.map(({ action }) => action)).toEqual([
      'PutItem',
      'TransactWriteItems',
      'TransactWriteItems',
    ]);
  });

  it('tries again when another transaction is in the way, with growing pauses, and gives up in the end', async () => {
    answers.push(cancelled('TransactionConflict', 'None'), cancelled('None', 'ThrottlingError'));
    expect(await table.write(two)).toEqual([]);
    expect(asked).toHaveLength(3);
    expect(pauses).toHaveLength(2);
    answers.push(...Array.from({ length: 6 }, () => cancelled('TransactionConflict', 'None')));
    await expect(table.write(two)).rejects.toThrow(RetryableError);
    expect(pauses.slice(2)).toHaveLength(5);
    expect(answers).toEqual([]);
    answers.push(refusal('TransactionConflictException'));
    expect(await table.write([put('a')])).toEqual([]);
  });

  it('says who must act', async () => {
    const verdicts = [
      [refusal('ResourceNotFoundException'), ConfigError],
      [refusal('AccessDeniedException'), ConfigError],
      [refusal('UnrecognizedClientException'), ConfigError],
      [refusal('ValidationException'), PermanentError],
      [cancelled('ValidationError', 'None'), PermanentError],
      [refusal('SomethingNew'), RetryableError],
    ] as const;
    for (const [answer, kind] of verdicts) {
      answers.push(answer);
      await expect(table.write(two), JSON.stringify(answer)).rejects.toThrow(kind);
    }
    await wire.close();
    await expect(table.write(two)).rejects.toThrow(RetryableError);
  });

  it('sends nothing that is beyond the limits', async () => {
    const many = Array.from({ length: 101 }, (_, i) => put(String(i)));
    await expect(table.write(many)).rejects.toThrow('101 items belong to one transaction');
    const large: Item = { pk: 'p', sk: 's', body: 'x'.repeat(410_000) };
    await expect(table.write([{ put: large }])).rejects.toThrow(PermanentError);
    expect(asked).toEqual([]);
  });

  it('asks on for items that were left over, for each key once', async () => {
    const key = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk } });
    answers.push({
      body: { Responses: { state: [key('a')] }, UnprocessedKeys: { state: { Keys: [key('b')] } } },
    });
    answers.push({ body: { Responses: { state: [key('b')] }, UnprocessedKeys: {} } });
    const items = await table.get(['a', 'b', 'b'].map((sk) => ({ pk: 'p', sk })));
    expect(items).toEqual(['a', 'b'].map((sk) => ({ pk: 'p', sk })));
    const requests = asked.map(({ body }) => body.RequestItems);
    expect(requests).toEqual([
      { state: { Keys: [key('a'), key('b')], ConsistentRead: true } },
      { state: { Keys: [key('b')], ConsistentRead: true } },
    ]);
  });

  it('reads all pages, strongly consistent, but for indexes', async () => {
    const item = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk } });
    answers.push({ body: { Items: [item('a')], LastEvaluatedKey: item('a') } });
    answers.push({ body: { Items: [], LastEvaluatedKey: item('b') } });
    answers.push({ body: { Items: [item('c')] } });
    expect((await table.query({ pk: 'p', to: 'z' })).map(({ sk }) => sk)).toEqual(['a', 'c']);
    expect(asked.map(({ body }) => body)).toMatchObject([
      { ConsistentRead: true, KeyConditionExpression: '#p = :p AND #s <= :t', ScanIndexForward: true },
      { ConsistentRead: true, ExclusiveStartKey: item('a') },
      { ConsistentRead: true, ExclusiveStartKey: item('b') },
    ]);
    await table.lookUp('history', { pk: 'transition#0', newestFirst: true, limit: 3 });
    const last = asked.at(-1)?.body;
    expect(last).toMatchObject({ IndexName: 'history', Limit: 3, ScanIndexForward: false });
    expect(last).not.toHaveProperty('ConsistentRead');
  });
});
