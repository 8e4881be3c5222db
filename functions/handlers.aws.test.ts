// The exported handlers as Lambda calls them, with only their environment, over the emulator's services; this file
// carries the messages from queue to queue.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Emulator, startEmulator } from '../localstack/emulator.ts';
import { type Fleet, startFleet } from '../localstack/fleet/fleet.ts';
import { type Sink, startSink } from '../localstack/sink/sink.ts';
import { createStateTable } from '../localstack/state-table.ts';
import {
  createTable,
  startTimestreamEmulator,
  type TimestreamEmulator,
} from '../localstack/timestream/emulator.ts';
import { scaledMs } from '../test/machine-speed.ts';
import { until } from '../test/until.ts';
import { ACTIVE_KEY } from './activation.ts';

const SINK_SECRET = 'key-of-the-sink-1f8a';
const BEAT_SECRET = 'uuid-of-the-watcher-77c0';
const TICK_MS = 30_000;
const STAGES = ['probe', 'store', 'evaluate', 'notify', 'deliver'] as const;
type Stage = (typeof STAGES)[number];
type Handler = (event: never, context: Context) => Promise<unknown>;

const context = {
  functionName: 'bartizan',
  awsRequestId: 'request',
  getRemainingTimeInMillis: () => 60_000,
} as unknown as Context;

let dir: string;
let emulator: Emulator;
let timestream: TimestreamEmulator;
let fleet: Fleet;
let sink: Sink;
let watcher: Server;
let beats: string[];
let sqs: SQSClient;
let s3: S3Client;
let bucket: string;
let handlers: Record<Stage | 'plan' | 'history', Handler>;
const urls = new Map<string, string>();
let output = '';

const urlOf = (name: string) => urls.get(name) ?? '';
const nameOf = (name: string) => urlOf(name).split('/').at(-1) ?? '';
const arnOf = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${nameOf(name)}`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-handlers-'));
  emulator = await startEmulator();
  timestream = await startTimestreamEmulator();
  createTable(timestream, { database: 'bartizan', table: 'samples' });
  fleet = await startFleet({
    dir: join(dir, 'nodes'),
    nodes: [
      { name: 'n1', seed: 1, memory: () => 95 },
      { name: 'n2', seed: 2, memory: () => 40 },
    ],
  });
  sink = await startSink({ secret: SINK_SECRET, dir: join(dir, 'messages') });
  beats = [];
  watcher = createServer(({ url = '' }, response) => {
    beats.push(url);
    response.writeHead(500).end(`no such check: ${url}`);
  });
  await new Promise<void>((resolve) => watcher.listen(0, '127.0.0.1', resolve));
  await deploy();
});

afterAll(async () => {
  vi.restoreAllMocks();
  await emulator?.stop();
  await timestream?.stop();
  await fleet?.stop();
  await sink?.stop();
  await new Promise((resolve) => watcher.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

/** Creates by hand what the stacks create; then loads the functions as a new container does. */
async function deploy(): Promise<void> {
  const { client } = emulator;
  sqs = new SQSClient(client);
  s3 = new S3Client({ ...client, forcePathStyle: true });
  const ssm = new SSMClient(client);
  const run = `${process.pid}-${Date.now()}`;
  bucket = `bartizan-${run}`;
  const parameters = { key: fleet.privateKey, sink: SINK_SECRET, beat: BEAT_SECRET };
  for (const [name, Value] of Object.entries(parameters))
    await ssm.send(new PutParameterCommand({ Name: `/${run}/${name}`, Value, Type: 'SecureString' }));
  for (const stage of STAGES) {
    const [end, Attributes] = stage === 'deliver' ? ['.fifo', { FifoQueue: 'true' }] : ['', {}];
    const create = async (name: string, more: Record<string, string> = {}) => {
      const asked = { QueueName: `${run}-${name}${end}`, Attributes: { ...Attributes, ...more } };
      urls.set(name, (await sqs.send(new CreateQueueCommand(asked))).QueueUrl ?? '');
    };
    await create(`${stage}-dead`);
    const deadLetterTargetArn = arnOf(`${stage}-dead`);
    await create(stage, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 5 }) });
  }
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await createStateTable(`bartizan-${run}`, client);
  const node = ({ name, port, hostKey }: Fleet['bastion']) =>
    `{ name: ${name}, role: etcd, host: 127.0.0.1, port: ${port}, hostKeys: ["${hostKey}"] }`;
  const config = `bastions:
  - { name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${ssm:/${run}/key}", hostKeys: ["${fleet.bastion.hostKey}"] }
clusters: [{ name: prod, bastion: gate, nodes: [${fleet.nodes.map(node).join(', ')}] }]
checks: [{ name: usage, probe: usage, every: ${TICK_MS / 1000}s }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 0s, severity: critical }]
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${ssm:/${run}/sink}" }]
store: { type: timestream, database: bartizan, table: samples, region: us-east-1, endpoint: "${timestream.url}" }
server: { heartbeat: "http://127.0.0.1:${(watcher.address() as AddressInfo).port}/\${ssm:/${run}/beat}" }
`;
  // Already active: an upload alone would be refused, as schedules count minutes, and here the test starts rounds.
  for (const Key of [ACTIVE_KEY, 'config/bartizan.yaml'])
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: config }));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: emulator.url,
    AWS_REGION: client.region,
    AWS_ACCESS_KEY_ID: client.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: client.credentials.secretAccessKey,
    POWERTOOLS_METRICS_DISABLED: 'false',
    LOG_LEVEL: 'DEBUG',
    BARTIZAN_BUCKET: bucket,
    BARTIZAN_TABLE: `bartizan-${run}`,
    BARTIZAN_PUBLIC_URL: 'https://pictures.example.net',
    BARTIZAN_PROBE_QUEUES: JSON.stringify({ gate: nameOf('probe') }),
    BARTIZAN_STORE_QUEUE: urlOf('store'),
    BARTIZAN_EVALUATE_QUEUE: urlOf('evaluate'),
    BARTIZAN_NOTIFY_QUEUE: urlOf('notify'),
    BARTIZAN_DELIVER_QUEUE: urlOf('deliver'),
  });
  const keep = (chunk: unknown) => {
    output += `${String(chunk)}\n`;
    return true;
  };
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(keep);
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation((...all) => void keep(all.join(' ')));
  handlers = {
    plan: (await import('./plan.ts')).handler as Handler,
    probe: (await import('./probe.ts')).handler as Handler,
    store: (await import('./store.ts')).handler as Handler,
    evaluate: (await import('./evaluate.ts')).handler as Handler,
    notify: (await import('./notify.ts')).handler as Handler,
    deliver: (await import('./deliver.ts')).handler as Handler,
    history: (await import('./history.ts')).handler as Handler,
  };
}

async function receive(name: string): Promise<Message[]> {
  const received: Message[] = [];
  await until(`a message for ${name}`, async () => {
    const options = { QueueUrl: urlOf(name), MaxNumberOfMessages: 10 };
    const command = new ReceiveMessageCommand({ ...options, MessageSystemAttributeNames: ['All'] });
    const { Messages = [] } = await sqs.send(command);
    return received.push(...Messages) > 0;
  });
  return received;
}

/** Deletes the messages that the function does not report as failed, as the event source does. */
async function handOn(stage: Stage, messages: readonly Message[]): Promise<SQSBatchResponse> {
  const event = {
    Records: messages.map(({ MessageId, ReceiptHandle, Body, Attributes }) => ({
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      attributes: Attributes,
      eventSourceARN: arnOf(stage),
    })),
  } as unknown as SQSEvent;
  const answer = ((await handlers[stage](event as never, context)) ?? {
    batchItemFailures: [],
  }) as SQSBatchResponse;
  const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const { MessageId = '', ReceiptHandle } of messages) {
    if (!failed.has(MessageId))
      await sqs.send(new DeleteMessageCommand({ QueueUrl: urlOf(stage), ReceiptHandle }));
  }
  return answer;
}

async function work(stage: Stage): Promise<void> {
  expect(await handOn(stage, await receive(stage))).toEqual({ batchItemFailures: [] });
}

const get = (rawPath: string) =>
  handlers.history({ rawPath } as never, context) as Promise<{
    statusCode: number;
    headers: Record<string, string>;
    body: string;
  }>;

async function chartNames(): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'charts/' }));
  return Contents.map(({ Key = '' }) => Key.slice('charts/'.length));
}

describe('a round through the exported handlers', () => {
  it('is planned, probed, stored, evaluated and sent, with a picture', async () => {
    expect((await get('/healthz')).statusCode).toBe(503);
    // Its batch has time until the next round.
    const leftMs = TICK_MS - (Date.now() % TICK_MS);
    if (leftMs < scaledMs(3_000)) await sleep(leftMs);
    const scheduledTime = new Date().toISOString();
    expect(await handlers.plan({ scheduledTime } as never, context)).toMatchObject({ batches: 1 });
    for (const stage of ['probe', 'store', 'evaluate'] as const) await work(stage);
    // The message of its tick may stay until the next one.
    await handOn('notify', await receive('notify'));
    await work('deliver');

    expect(sink.messages).toHaveLength(1);
    const [{ payload, picturePath = '' } = { payload: undefined }] = sink.messages;
    expect(payload?.status).toBe('firing');
    expect(payload?.alerts.map(({ labels, rule }) => [rule, labels.node])).toEqual([['memory', 'n1']]);
    expect(readFileSync(picturePath).subarray(1, 4).toString()).toBe('PNG');
    expect(fleet.commands()).toBeGreaterThanOrEqual(2);
    // The heartbeat fails, and is tried once more.
    expect(beats).toEqual([`/${BEAT_SECRET}`, `/${BEAT_SECRET}`]);
  });

  it('leaves health and pictures that can be fetched, by their names and until they expire', async () => {
    const health = await get('/healthz');
    expect([health.statusCode, JSON.parse(health.body)]).toMatchObject([200, { status: 'ok', reasons: [] }]);
    const [name = '', ...others] = await chartNames();
    expect(others).toEqual([]);
    const picture = await get(`/charts/${name}`);
    expect([picture.statusCode, picture.headers['content-type']]).toEqual([200, 'image/png']);
    const [{ picturePath = '' } = {}] = sink.messages;
    expect(Buffer.from(picture.body, 'base64')).toEqual(readFileSync(picturePath));

    const [expired, missing] = ['e', 'f'].map((first) => name.replace(/^../, `${first}${first}`));
    const Metadata = { 'expires-at-ms': String(Date.now() - 1) };
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `charts/${expired}`, Body: 'png', Metadata }));
    const paths = [`/charts/${expired}`, `/charts/${missing}`, '/charts/', '/charts/..%2fhealth.json', '/'];
    for (const path of paths) {
      expect([path, (await get(path)).statusCode]).toEqual([path, 404]);
    }
  });

  it('keeps messages that may succeed later, and moves those that never will to the dead letters', async () => {
    timestream.behave(({ operation }) =>
      operation === 'WriteRecords'
        ? { kind: 'error', type: 'ThrottlingException', message: 'slow down', status: 429 }
        : undefined,
    );
    const batch = {
      roundMs: Date.now(),
      bastion: 'gate',
      index: 0,
      count: 1,
      checks: ['usage'],
      targets: [],
      expiresAtMs: Date.now(),
    };
    const observation = { batch, bastion: { ok: true }, observations: [] };
    // The log quotes messages that are not ours.
    for (const body of [SINK_SECRET, JSON.stringify(observation)])
      await sqs.send(new SendMessageCommand({ QueueUrl: urlOf('store'), MessageBody: body }));
    const messages = await receive('store');
    while (messages.length < 2) messages.push(...(await receive('store')));
    const good = messages.find(({ Body }) => Body !== SINK_SECRET);
    const answer = await handOn('store', messages);
    timestream.behave();
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: good?.MessageId }] });
    expect((await receive('store-dead')).map(({ Body }) => Body)).toEqual([SINK_SECRET]);
  });

  it('writes no secret into any line', () => {
    expect(output).toContain('heartbeat not accepted');
    expect(output).toContain('alert firing');
    expect(output).toContain('this is not a message of ours');
    expect(output).toContain('messages_dead_total');
    const lines = fleet.privateKey.split('\n').filter((line) => line.length > 40);
    expect(lines.length).toBeGreaterThan(0);
    for (const secret of [SINK_SECRET, BEAT_SECRET, ...lines]) expect(output).not.toContain(secret);
  });
});
