// The command as people run it, against an empty emulator.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  DynamoDBClient,
  RestoreTableToPointInTimeCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDynamoState } from '../adapters/state/dynamodb/state.ts';
import { type Emulator, startEmulator } from '../localstack/emulator.ts';
import { createStateTable } from '../localstack/state-table.ts';
import { scaledMs } from '../test/machine-speed.ts';
import { EXAMPLE } from '../test/stacks/synth.ts';
import { createAccount } from './account.ts';
import { tableProblems } from './restored-table.ts';

const run = promisify(execFile);
let dir: string;
let emulator: Emulator;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-preflight-'));
  emulator = await startEmulator({ running: undefined });
});
afterAll(async () => {
  await emulator.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** CDK runs only without problems; an app that ends with this code replaces ours. */
async function deploy(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { endpoint, region, credentials } = emulator.client;
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_DEFAULT_REGION: region,
    AWS_REGION: undefined,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const options = { env, timeout: scaledMs(60_000) };
  const command = ['bin/deploy.ts', '-c', `config=${EXAMPLE}`, ...args];
  const ended = await run(process.execPath, command, options).catch((error: unknown) => error);
  const { code = 0, stdout, stderr } = ended as { code?: number; stdout: string; stderr: string };
  return { code, stdout, stderr };
}

async function put(...names: string[]): Promise<void> {
  const ssm = new SSMClient(emulator.client);
  for (const Name of names) await ssm.send(new PutParameterCommand({ Name, Value: '21', Type: 'String' }));
  ssm.destroy();
}

it('npm run deploy reports what an account lacks, and runs CDK when nothing is missing', async () => {
  const lacking = await deploy();
  expect(lacking).toMatchObject({ code: 1, stdout: '' });
  expect(lacking.stderr.trimEnd().split('\n')).toEqual([
    `${EXAMPLE} is not deployed; 5 problems to solve first`,
    '  account 000000000000 is not prepared for CDK in us-east-1: run `npx cdk bootstrap aws://000000000000/us-east-1`, once',
    ...['ssh-key', 'on-call-url', 'slack-token', 'heartbeat'].map((name) =>
      expect.stringContaining(`\${ssm:/bartizan/${name}}: there is no such parameter in us-east-1`),
    ),
  ]);
  await put('/cdk-bootstrap/hnb659fds/version', '/bartizan/ssh-key', '/bartizan/on-call-url');
  await put('/bartizan/slack-token', '/bartizan/heartbeat');
  const app = join(dir, 'app.cjs');
  writeFileSync(app, 'process.exitCode = 3;');
  const handedOn = await deploy('--app', `node ${app}`);
  expect(handedOn.stdout).toContain(`${EXAMPLE} will be deployed to account 000000000000 in us-east-1`);
  expect(handedOn.stderr).toContain('exited with error 3');
  expect(handedOn.code).toBe(1);
});

it('any number of parameters is found by name and by path', async () => {
  const account = await createAccount(emulator.client);
  const names = Array.from({ length: 120 }, (_, i) => `/many/${i}`);
  await put(...names.slice(0, 119));
  expect(await account.missingParameters([...names, '/many/*', '/none/*', '/man/*'])).toEqual([
    '/many/119',
    '/none/*',
    '/man/*',
  ]);
  expect(await account.bootstrapVersion('other')).toBeUndefined();
});

it('a restored table lacks its settings until somebody runs the printed commands; then state is read from it', async () => {
  const account = await createAccount(emulator.client);
  expect(await account.stateTable('restored')).toBeUndefined();
  await createStateTable('before', emulator.client);
  const clock = { nowMs: () => Date.UTC(2026, 0, 2) };
  const open = (table: string) => openDynamoState({ table, clock, historyMs: 1000, client: emulator.client });
  const before = await open('before');
  await before.counters.save('kept', { of: 'before' });
  before.close();
  const dynamodb = new DynamoDBClient(emulator.client);
  const TableName = 'restored';
  await dynamodb.send(
    new RestoreTableToPointInTimeCommand({
      SourceTableName: 'before',
      TargetTableName: TableName,
      UseLatestRestorableTime: true,
    }),
  );
  // The emulator keeps settings that AWS does not restore.
  const found = tableProblems(TableName, await account.stateTable(TableName));
  expect(found.map((line) => /--[a-z-]+(specification|protection-enabled)/.exec(line)?.[0])).toEqual([
    '--stream-specification',
    '--time-to-live-specification',
    '--point-in-time-recovery-specification',
    '--deletion-protection-enabled',
  ]);
  for (const command of [
    new UpdateTableCommand({
      TableName,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    }),
    new UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }),
  ])
    await dynamodb.send(command);
  await dynamodb.send(
    new UpdateTimeToLiveCommand({
      TableName,
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'expiresAt' },
    }),
  );
  await dynamodb.send(
    new UpdateContinuousBackupsCommand({
      TableName,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    }),
  );
  dynamodb.destroy();
  const facts = await account.stateTable(TableName);
  expect(tableProblems(TableName, facts)).toEqual([]);
  expect(facts?.stream).toContain(':table/restored/stream/');
  const restored = await open(TableName);
  expect(await restored.counters.load('kept')).toEqual({ of: 'before' });
  restored.close();
});
