// The command over a deployed pipeline: what lies in its dead letters goes back, and its functions handle it.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDeadLetters, type DeadLetterQueue } from '../../adapters/queues/dead-letters.ts';
import { encodeMessage, observationMessages } from '../../adapters/queues/messages.ts';
import type { Target } from '../../core/model.ts';
import { deploy } from '../../localstack/deployment.ts';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { startRound } from '../../localstack/rounds.ts';
import {
  createTable,
  startTimestreamStandIn,
  type TimestreamStandIn,
} from '../../localstack/timestream/stand-in.ts';

const run = promisify(execFile);
const HANDLED_WITHIN_MS = 30_000;
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILhZjG3QQwsi6khTcx+BiryDSB/er1aAloCQUBuyvH/L';
let dir: string;
let emulator: Emulator;
let standIn: TimestreamStandIn;
let sqs: SQSClient;
let queues: DeadLetterQueue[];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-dead-letters-'));
  emulator = await startEmulator({ running: undefined });
  standIn = await startTimestreamStandIn();
  createTable(standIn, { database: 'bartizan', table: 'samples' });
  // Once an hour: rounds of its own are not to mix in.
  const text = `bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: u, privateKey: "\${ssm:/bartizan/key}", hostKeys: ["${HOST_KEY}"] }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, hostKeys: ["${HOST_KEY}"] }] }]
checks: [{ name: usage, probe: usage, every: 1h }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { type: timestream, database: bartizan, table: samples, region: us-east-1, endpoint: "${standIn.url}" }
`;
  const file = join(dir, 'bartizan.yaml');
  writeFileSync(file, text);
  await deploy({
    emulator,
    file,
    text,
    parameters: { '/bartizan/key': newKey() },
    outDir: join(dir, 'cdk'),
  });
  sqs = new SQSClient({ ...emulator.client, useQueueUrlAsEndpoint: false });
  const deadLetters = await createDeadLetters(emulator.client);
  queues = await deadLetters.list();
  deadLetters.close();
}, 240_000);

afterAll(async () => {
  sqs?.destroy();
  await emulator?.stop();
  await standIn?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function command(...words: string[]): Promise<{ code: number; out: string }> {
  const { endpoint, region, credentials } = emulator.client;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const ended = await run(process.execPath, ['bin/bartizan.ts', 'dead-letters', ...words], { env }).catch(
    (error: unknown) => error,
  );
  const { code = 0, stdout, stderr } = ended as { code?: number; stdout: string; stderr: string };
  return { code, out: stdout + stderr };
}

/** As if its function had failed at it for good. */
async function bury(stage: string, body: string, groupId?: string): Promise<void> {
  const QueueUrl = queues.find((queue) => queue.stage === stage)?.deadLetters;
  const fifo = groupId === undefined ? {} : { MessageGroupId: groupId, MessageDeduplicationId: groupId };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, ...fifo }));
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const endMs = Date.now() + HANDLED_WITHIN_MS; Date.now() < endMs; await sleep(200)) {
    if (await isSo()) return;
  }
  throw new Error(`${what} did not happen within ${HANDLED_WITHIN_MS / 1000} s`);
}

const counts = async (...stages: string[]) => {
  const { out } = await command(...stages, '--json');
  return (JSON.parse(out) as { count: number }[]).map(({ count }) => count);
};

it('every queue of the deployment is known', async () => {
  expect(await command()).toMatchObject({ code: 0, out: expect.stringMatching(/no dead letters/) });
  expect(queues.map(({ stage, bastion }) => [stage, bastion]).toSorted()).toEqual([
    ['deliver', undefined],
    ['evaluate', undefined],
    ['notify', undefined],
    ['plan', undefined],
    ['probe', 'gate'],
    ['store', undefined],
  ]);
});

it('what is sent back is handled: samples are written; what is poison comes back and can be deleted', async () => {
  const roundMs = Math.floor(Date.now() / 60_000) * 60_000;
  const target: Target = {
    cluster: 'prod',
    node: 'n1',
    role: 'etcd',
    host: '127.0.0.1',
    port: 22,
    user: 'u',
    bastion: 'gate',
    hostKeys: [],
  };
  const batch = {
    roundMs,
    bastion: 'gate',
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
  expect(shown.out).toContain('no message of ours, 6 bytes');
  expect(shown.out).toContain('delivery of incident nobody knows it');

  const back = await command('store', 'deliver', '--redrive');
  expect(back).toEqual({ code: 0, out: expect.stringContaining('3 messages sent back') });
  await until('the writing of samples', () =>
    standIn.requests.some(({ operation }) => operation === 'WriteRecords'),
  );
  await until('the second death of the poison', async () => (await counts('store'))[0] === 1);
  expect(await counts('deliver', 'store')).toEqual([1, 0]); // In the order of the stages.
  expect(await command('store', '--discard')).toMatchObject({ code: 0 });
  expect(await command('store')).toMatchObject({ code: 0 });
}, 120_000);

it('a start of a round came from no queue: it stays until it is discarded', async () => {
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

it('a round is started where no schedule would', async () => {
  const written = () => standIn.requests.filter(({ operation }) => operation === 'WriteRecords').length;
  const before = written();
  await startRound(emulator, Date.now());
  await until('a round', () => written() > before);
}, 60_000);
