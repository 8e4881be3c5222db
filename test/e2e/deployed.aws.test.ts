// The pipeline deployed to the emulator, over a fleet that speaks SSH: an alert fires, and its picture can be fetched.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAudit } from '../../adapters/audit/chain.ts';
import { type Deployment, deploy } from '../../localstack/deployment.ts';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { type Sink, type SinkMessage, startSink } from '../../localstack/sink/sink.ts';
import {
  createTable,
  startTimestreamStandIn,
  type TimestreamStandIn,
} from '../../localstack/timestream/stand-in.ts';

const SECRET = 'deployed-sink';
/** A schedule starts within a minute, a round is judged half a minute later, and functions start cold. */
const MESSAGE_WITHIN_MS = 150_000;
let dir: string;
let emulator: Emulator;
let standIn: TimestreamStandIn;
let fleet: Fleet;
let sink: Sink;
let deployment: Deployment;
let text: string;
let memory = 95;
const messages: SinkMessage[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-deployed-'));
  emulator = await startEmulator();
  standIn = await startTimestreamStandIn();
  createTable(standIn, { database: 'bartizan', table: 'samples' });
  fleet = await startFleet({
    dir: join(dir, 'nodes'),
    nodes: [
      { name: 'n1', seed: 1, memory: () => memory },
      { name: 'n2', seed: 2, memory: () => 40 },
    ],
  });
  sink = await startSink({
    secret: SECRET,
    dir: join(dir, 'messages'),
    onMessage: (message) => void messages.push(message),
  });
  const node = ({ name, host, port, hostKey }: Fleet['bastion']) =>
    `{ name: ${name}, role: etcd, host: ${host}, port: ${port}, hostKeys: ["${hostKey}"] }`;
  text = `bastions:
  - { name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${ssm:/bartizan/key}", hostKeys: ["${fleet.bastion.hostKey}"] }
clusters:
  - { name: prod, bastion: gate, nodes: [${fleet.nodes.map(node).join(', ')}] }
checks: [{ name: usage, probe: usage, every: 1m }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 0s, severity: critical }]
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${ssm:/bartizan/sink}" }]
routes: [{ name: all, channels: [ops], groupInterval: 10s }]
store: { type: timestream, database: bartizan, table: samples, region: us-east-1, endpoint: "${standIn.url}" }
`;
  const file = join(dir, 'bartizan.yaml');
  writeFileSync(file, text);
  const parameters = { '/bartizan/key': fleet.privateKey, '/bartizan/sink': SECRET };
  deployment = await deploy({ emulator, file, text, parameters, outDir: join(dir, 'cdk') });
}, 240_000);

afterAll(async () => {
  await emulator?.stop();
  await standIn?.stop();
  await fleet?.stop();
  await sink?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function message(status: 'firing' | 'resolved'): Promise<SinkMessage> {
  for (const endMs = Date.now() + MESSAGE_WITHIN_MS; Date.now() < endMs; await sleep(200)) {
    const found = messages.find(({ payload }) => payload.status === status);
    if (found) return found;
  }
  throw new Error(`no ${status} message within ${MESSAGE_WITHIN_MS / 1000} s`);
}

it('fires once, with a picture; a wrong configuration stops nothing; resolves once', {
  timeout: 400_000,
}, async () => {
  const firing = await message('firing');
  expect(firing.payload.alerts.map(({ labels }) => labels.node)).toEqual(['n1']);
  expect(
    readFileSync(firing.picturePath ?? '')
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
  // Half a minute after the round, and what cold functions take on a busy machine.
  expect(
    Date.parse(firing.payload.sentAt) - Date.parse(firing.payload.alerts[0]?.firedAt ?? ''),
  ).toBeLessThan(120_000);

  await deployment.upload(text.replace('above: 90', 'abov: 90'));
  memory = 50;
  const resolved = await message('resolved');
  expect(resolved.payload.incident).toBe(firing.payload.incident);
  expect(messages).toHaveLength(2);
});

it('leaves an audit of each access, chained', async () => {
  const s3 = new S3Client({ ...emulator.client, forcePathStyle: true });
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const Bucket = Buckets.find(({ Name }) => !Name?.startsWith('cdk-'))?.Name;
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'audit/' }));
  expect(Contents.length).toBeGreaterThan(0);
  // The objects of one writer are one chain, in the order of their names.
  const keys = Contents.flatMap(({ Key }) => Key ?? []).sort();
  const writer = dirname(keys[0] ?? '');
  let lines = '';
  for (const Key of keys.filter((key) => dirname(key) === writer)) {
    lines += await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
  }
  const file = join(dir, 'audit.jsonl');
  writeFileSync(file, lines);
  const verdict = await verifyAudit(file);
  expect(verdict).toMatchObject({ ok: true, first: 1 });
  // The bastion and two nodes at least.
  expect(verdict.ok && verdict.entries).toBeGreaterThanOrEqual(3);
});
