// `bartizan dead-letters` on a deployed pipeline: it sends dead letters back, and the functions handle them.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEFAULT_NAME } from '../../adapters/aws/deployment.ts';
import { createDeadLetters, type DeadLetterQueue } from '../../adapters/queues/dead-letters.ts';
import { encodeMessage, observationMessages } from '../../adapters/queues/messages.ts';
import type { Target } from '../../core/model/target.ts';
import { type Deployment, deploy } from '../../localstack/deployment.ts';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { startRound } from '../../localstack/rounds.ts';
import {
  createTable,
  startTimestreamEmulator,
  type TimestreamEmulator,
} from '../../localstack/timestream/emulator.ts';
import { until } from '../until.ts';

const run = promisify(execFile);
/** The name of a second deployment, beside the one without a name. */
const SECOND = 'second';
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILhZjG3QQwsi6khTcx+BiryDSB/er1aAloCQUBuyvH/L';
let dir: string;
let emulator: Emulator;
let timestream: TimestreamEmulator;
let sqs: SQSClient;
let queues: DeadLetterQueue[];
const buckets = { [DEFAULT_NAME]: '', [SECOND]: '' };

/**
 * One round an hour, so that rounds of the schedule do not disturb the tests. Each deployment has its own bastion,
 * which refuses connections.
 */
const configuration = (
  name: string,
) => `bastions: [{ name: gate-of-${name}, host: 127.0.0.1, port: 1, user: u, privateKey: "\${ssm:/bartizan/key}", hostKeys: ["${HOST_KEY}"] }]
clusters: [{ name: prod, bastion: gate-of-${name}, nodes: [{ name: node-of-${name}, role: etcd, host: 127.0.0.1, hostKeys: ["${HOST_KEY}"] }] }]
checks: [{ name: usage, probe: usage, every: 1h }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { type: timestream, database: ${name}, table: samples, region: us-east-1, endpoint: "${timestream.url}" }
`;

async function queuesOf(name: string): Promise<DeadLetterQueue[]> {
  const deadLetters = await createDeadLetters(emulator.client, name);
  return deadLetters.list().finally(() => deadLetters.close());
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-dead-letters-'));
  emulator = await startEmulator({ running: undefined });
  timestream = await startTimestreamEmulator();
  const deployments = ([DEFAULT_NAME, SECOND] as const).map(async (name) => {
    createTable(timestream, { database: name, table: 'samples' });
    const file = join(dir, `${name}.yaml`);
    writeFileSync(file, configuration(name));
    const parameters = { '/bartizan/key': newKey() };
    return deploy({ emulator, file, name, parameters, outDir: join(dir, name) });
  });
  [{ bucket: buckets[DEFAULT_NAME] }, { bucket: buckets[SECOND] }] = (await Promise.all(deployments)) as [
    Deployment,
    Deployment,
  ];
  sqs = new SQSClient({ ...emulator.client, useQueueUrlAsEndpoint: false });
  queues = await queuesOf(DEFAULT_NAME);
});

afterAll(async () => {
  sqs?.destroy();
  await emulator?.stop();
  await timestream?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function command(...args: string[]): Promise<{ code: number; out: string }> {
  const { endpoint, region, credentials } = emulator.client;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const ended = await run(process.execPath, ['bin/bartizan.ts', 'dead-letters', ...args], { env }).catch(
    (error: unknown) => error,
  );
  const { code = 0, stdout, stderr } = ended as { code?: number; stdout: string; stderr: string };
  return { code, out: stdout + stderr };
}

/** Puts a message there as if its function had failed with it for good. */
async function bury(stage: string, body: string, groupId?: string): Promise<void> {
  const QueueUrl = queues.find((queue) => queue.stage === stage)?.deadLetters;
  const fifo = groupId === undefined ? {} : { MessageGroupId: groupId, MessageDeduplicationId: groupId };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, ...fifo }));
}

const counts = async (...stages: string[]) => {
  const { out } = await command(...stages, '--json');
  return (JSON.parse(out) as { count: number }[]).map(({ count }) => count);
};

// This test is first, because the other tests need the configuration that a round activates.
it('a round starts in the deployment of that name alone', async () => {
  const writtenTo = (name: string) =>
    timestream.requests.filter(
      ({ operation, body }) => operation === 'WriteRecords' && JSON.stringify(body).includes(`"${name}"`),
    ).length;
  for (const [name, other] of [
    [DEFAULT_NAME, SECOND],
    [SECOND, DEFAULT_NAME],
  ] as const) {
    const before = { own: writtenTo(name), other: writtenTo(other) };
    await startRound(emulator, Date.now(), name);
    await until(`a round of ${name}`, () => writtenTo(name) > before.own);
    expect(writtenTo(other)).toBe(before.other);
  }
});

it('the command knows every queue of the deployment', async () => {
  expect(await command()).toMatchObject({ code: 0, out: expect.stringMatching(/no dead letters/) });
  expect(queues.map(({ stage, bastion }) => [stage, bastion]).toSorted()).toEqual([
    ['deliver', undefined],
    ['evaluate', undefined],
    ['notify', undefined],
    ['plan', undefined],
    ['probe', 'gate-of-bartizan'],
    ['store', undefined],
  ]);
});

it('messages that are sent back are handled: samples are written, and a poison message comes back and can be deleted', async () => {
  const roundMs = Math.floor(Date.now() / 60_000) * 60_000;
  const target: Target = {
    cluster: 'prod',
    node: 'n1',
    role: 'etcd',
    host: '127.0.0.1',
    port: 22,
    user: 'u',
    bastion: 'gate-of-bartizan',
    hostKeys: [],
  };
  const batch = {
    roundMs,
    bastion: 'gate-of-bartizan',
    index: 0,
    count: 1,
    checks: ['usage'],
    targets: [target],
    expiresAtMs: roundMs + 60_000,
  };
  const failure = { reason: 'unreachable', phase: 'dial', detail: 'refused' } as const;
  const observation = {
    check: 'usage',
    target,
    roundMs,
    observedAtMs: roundMs,
    durationMs: 1,
    result: { ok: false, failure } as const,
  };
  const [message = ''] = observationMessages({ batch, bastion: { ok: true }, observations: [observation] });
  await bury('store', message);
  await bury('store', 'poison');
  await bury('deliver', encodeMessage({ incidentId: 'nobody knows it' }), 'nobody knows it');
  const shown = await command('store', 'deliver', '--show', '3');
  expect(shown.code).toBe(1);
  expect(shown.out).toContain('1 observations (1 failed) of prod/n1');
  expect(shown.out).toContain('not a message of ours, 6 bytes');
  expect(shown.out).toContain('delivery of incident nobody knows it');

  const back = await command('store', 'deliver', '--redrive');
  expect(back).toEqual({ code: 0, out: expect.stringContaining('3 messages sent back') });
  await until('the writing of samples', () =>
    timestream.requests.some(({ operation }) => operation === 'WriteRecords'),
  );
  await until(
    'the poison message among the dead letters again',
    async () => (await counts('store'))[0] === 1,
  );
  expect(await counts('deliver', 'store')).toEqual([1, 0]); // Printed in the order of the stages.
  expect(await command('store', '--discard')).toMatchObject({ code: 0 });
  expect(await command('store')).toMatchObject({ code: 0 });
});

it('a dead start of a round has no queue to go back to: it stays until it is discarded', async () => {
  await bury('plan', '{"scheduledTime":"2026-01-02T03:04:00Z"}');
  const back = await command('plan', '--redrive', '--show', '1');
  expect(back.out).toContain('start of the round of 2026-01-02T03:04:00Z');
  expect(back.out).toContain(
    '0 messages sent back, 1 stayed; 1 start of rounds came from no queue: `--discard`',
  );
  expect(back.code).toBe(1);
  expect(await counts('plan')).toEqual([1]);
  expect(await command('plan', '--discard')).toMatchObject({ code: 0 });
  expect(await counts('plan')).toEqual([0]);
});

it('two deployments share no queue, file, state or dead letter', async () => {
  const others = await queuesOf(SECOND);
  expect(others.map(({ stage, bastion }) => bastion ?? stage)).toContain('gate-of-second');
  const addresses = (of: readonly DeadLetterQueue[]) =>
    of.flatMap(({ deadLetters, queue }) => (queue === undefined ? [deadLetters] : [deadLetters, queue]));
  expect(new Set([...addresses(queues), ...addresses(others)]).size).toBe(22);
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: others.find(({ stage }) => stage === 'plan')?.deadLetters,
      MessageBody: '{"scheduledTime":"2026-01-02T03:04:00Z"}',
    }),
  );
  expect(await command('plan')).toMatchObject({ code: 0 });
  expect(await command('plan', '--name', SECOND)).toMatchObject({ code: 1 });
  expect((await command('--name', 'third')).out).toContain('no parameter under /bartizan/deployments/third/');

  const s3 = new S3Client({ ...emulator.client, forcePathStyle: true });
  const dynamodb = new DynamoDBClient(emulator.client);
  const { TableNames = [] } = await dynamodb.send(new ListTablesCommand({}));
  for (const [name, other, stack] of [
    [DEFAULT_NAME, SECOND, 'BartizanData-'],
    [SECOND, DEFAULT_NAME, 'Bartizan-second-Data-'],
  ] as const) {
    const { Body } = await s3.send(
      new GetObjectCommand({ Bucket: buckets[name], Key: 'config/active.yaml' }),
    );
    expect(await Body?.transformToString()).toBe(configuration(name));
    const tables = TableNames.filter((table) => table.startsWith(stack));
    expect(tables).toHaveLength(1);
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: tables[0] }));
    expect(JSON.stringify(Items)).toContain(`gate-of-${name}`);
    expect(JSON.stringify(Items)).not.toContain(`-of-${other}`);
  }
  s3.destroy();
  dynamodb.destroy();
});
