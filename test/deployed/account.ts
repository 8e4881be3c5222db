// A deployment in the account of the emulator, with the tools of an operator.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import {
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import {
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { openDynamoState } from '../../adapters/state/dynamodb/state.ts';
import type { Transition } from '../../core/model/transition.ts';
import type { Emulator } from '../../localstack/emulator.ts';
import { scaledMs } from '../machine-speed.ts';

export type Stage = 'Plan' | 'Probe' | 'Store' | 'Evaluate' | 'Notify' | 'Deliver' | 'History' | 'HistoryIam';

export interface Account {
  /** @throws Error with the function's own error */
  invoke(stage: Stage, payload: unknown): Promise<unknown>;
  /** Sets whether the stream of the table wakes notify. */
  wake(enabled: boolean): Promise<void>;
  /** All lines of a function's log so far. */
  log(stage: Stage): Promise<string[]>;
  /** Waits for the newest line with that text, which may come late. @throws Error when there is none */
  logged(stage: Stage, text: string): Promise<string>;
  /** Ends the processes of a function, as a machine that fails does. Returns how many. */
  kill(stage: Stage): number;
  /** Sends to a queue: `Store`, or `ProbeToNAME` of a bastion. */
  send(queue: string, body: string): Promise<void>;
  /** Waits for messages in a queue that were received and not deleted. @throws Error when there are none */
  hidden(queue: string): Promise<number>;
  /** Waits for the first dead letters of a queue. @throws Error when there are none */
  dead(queue: string): Promise<string[]>;
  transitions(): Promise<Transition[]>;
  /** The keys of the bucket's objects, in order. */
  files(prefix: string): Promise<string[]>;
  readFile(key: string): Promise<string>;
  writeFile(key: string, text: string): Promise<void>;
  putSecret(name: string, value: string): Promise<void>;
}

const WITHIN_MS = 60_000;

export async function openAccount({ client, pid, certificate }: Emulator): Promise<Account> {
  // No call is repeated, so each has its own connection: the emulator may end a kept one in the moment a call begins.
  const requestHandler = {
    httpAgent: { keepAlive: false },
    httpsAgent: { keepAlive: false, ...(certificate !== undefined && { ca: readFileSync(certificate) }) },
  };
  const lambda = new LambdaClient({ ...client, maxAttempts: 1, requestHandler });
  const sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false });
  const logs = new CloudWatchLogsClient(client);
  const ssm = new SSMClient(client);
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'BartizanPipeline-' }));
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const Bucket = Buckets.find(({ Name }) => !Name?.startsWith('cdk-'))?.Name;
  const { TableNames = [] } = await new DynamoDBClient(client).send(new ListTablesCommand({}));
  const table = one(TableNames, /^BartizanData/);
  const state = await openDynamoState({ table, clock: { nowMs: Date.now }, historyMs: 3_600_000, client });

  const functionName = (stage: Stage) =>
    one(
      Functions.map(({ FunctionName = '' }) => FunctionName),
      new RegExp(`^Bartizan\\w+-${stage}Function`),
    );
  const queue = (name: string, dead: boolean) =>
    one(
      QueueUrls.filter((url) => url.includes('DeadLetters') === dead),
      new RegExp(`BartizanPipeline-${name}`),
    );

  const log = async (stage: Stage): Promise<string[]> => {
    const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({}));
    const names = logGroups.map(({ logGroupName = '' }) => logGroupName);
    const logGroupName = one(names, new RegExp(`/Bartizan\\w+/${stage}Log`));
    const lines: string[] = [];
    for await (const { events = [] } of paginateFilterLogEvents({ client: logs }, { logGroupName })) {
      lines.push(...events.map(({ message = '' }) => message));
    }
    return lines;
  };

  return {
    async invoke(stage, payload) {
      const FunctionName = functionName(stage);
      const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }));
      const text = new TextDecoder().decode(answer.Payload);
      if (answer.FunctionError) throw new Error(`${stage}: ${text}`);
      return JSON.parse(text) as unknown;
    },
    async wake(Enabled) {
      const FunctionName = functionName('Notify');
      const { EventSourceMappings = [] } = await lambda.send(
        new ListEventSourceMappingsCommand({ FunctionName }),
      );
      const stream = EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn?.includes(':dynamodb:'));
      await lambda.send(new UpdateEventSourceMappingCommand({ UUID: stream?.UUID, FunctionName, Enabled }));
    },
    log,
    async logged(stage, text) {
      for (
        const startMs = performance.now();
        performance.now() - startMs < scaledMs(WITHIN_MS);
        await sleep(500)
      ) {
        const found = (await log(stage)).findLast((line) => line.includes(text));
        if (found !== undefined) return found;
      }
      throw new Error(`${stage} logs no line with ${text}`);
    },
    kill(stage) {
      const mine = processesBelow(pid).filter(({ args }) => args.includes(`-${functionName(stage)}-`));
      for (const each of mine) process.kill(each.pid, 'SIGKILL');
      return mine.length;
    },
    async send(name, MessageBody) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queue(name, false), MessageBody }));
    },
    async hidden(name) {
      const QueueUrl = queue(name, false);
      const AttributeNames: QueueAttributeName[] = ['ApproximateNumberOfMessagesNotVisible'];
      for (
        const startMs = performance.now();
        performance.now() - startMs < scaledMs(WITHIN_MS);
        await sleep(200)
      ) {
        const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
        const messages = Number(Attributes?.ApproximateNumberOfMessagesNotVisible);
        if (messages > 0) return messages;
      }
      throw new Error(`nobody has received a message of ${name}`);
    },
    async dead(name) {
      const QueueUrl = queue(name, true);
      for (const startMs = performance.now(); performance.now() - startMs < scaledMs(WITHIN_MS); ) {
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2 }));
        if (Messages.length > 0) return Messages.map(({ Body = '' }) => Body);
      }
      throw new Error(`${name} has no dead letters`);
    },
    transitions: () => state.listTransitions({ fromMs: 0, toMs: Date.now(), limit: 1000 }),
    async files(Prefix) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.flatMap(({ Key }) => Key ?? []).sort();
    },
    async readFile(Key) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      return (Key.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes)).toString('utf8');
    },
    async writeFile(Key, Body) {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    },
    async putSecret(Name, Value) {
      await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }));
    },
  };
}

interface Process {
  pid: number;
  parent: number;
  args: string;
}

/** Only those of this emulator: another run on this machine has functions with the same names. */
function processesBelow(ancestor: number | undefined): Process[] {
  if (ancestor === undefined) throw new Error('functions are killed below an emulator that was started here');
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  const all = listed.split('\n').flatMap((line): Process[] => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }];
  });
  const found = new Set([ancestor]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => pid !== ancestor && found.has(pid));
}

/** The only matching one. @throws Error */
function one(names: readonly string[], pattern: RegExp): string {
  const found = names.filter((name) => pattern.test(name));
  if (found.length !== 1) throw new Error(`${found.length} of ${names.join(', ')} fit ${pattern}`);
  return found[0] as string;
}
