import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openDynamoState } from '../adapters/state/dynamodb/state.ts';
import { type Emulator, startEmulator } from '../localstack/emulator.ts';
import { createStateTable } from '../localstack/state-table.ts';
import { alertOf } from '../test/contract/state-fixtures.ts';
import { run } from './program.ts';

let emulator: Emulator;
let dir: string;
let out = '';
let before: typeof process.exitCode;

beforeAll(async () => {
  before = process.exitCode;
  emulator = await startEmulator();
  dir = mkdtempSync(join(tmpdir(), 'bartizan-silence-aws-'));
  writeFileSync(
    join(dir, 'b.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: u, privateKey: "\${file:b.yaml}" }]
clusters: [{ name: c, bastion: gate, nodes: [{ name: n, role: etcd, host: 127.0.0.1, user: u }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
rules: [{ name: mem, metric: mem_usage, above: 90, for: 5m }]
`,
  );
  const { endpoint, region, credentials } = emulator.client;
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  vi.stubEnv('AWS_REGION', region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});
afterAll(async () => {
  process.exitCode = before;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await emulator.stop();
  rmSync(dir, { recursive: true });
});

it('`silence` and `token` keep silences and tokens in the table of a deployment', async () => {
  const table = `silences-${process.pid}-${Date.now()}`;
  await createStateTable(table, emulator.client);
  const options = { table, client: emulator.client, clock: { nowMs: Date.now }, historyMs: 1e9 };
  const state = await openDynamoState(options);
  const bartizan = async (...args: string[]) => {
    out = '';
    process.exitCode = undefined;
    await run(['node', 'bartizan', ...args, '--table', table, '--json', '-c', join(dir, 'b.yaml')]);
    return { code: Number(process.exitCode ?? 0), json: JSON.parse(out) };
  };
  await state.commitAlert({ alert: alertOf('n'), expectedVersion: 0, transitions: [], dueAtMs: 0 });
  const added = await bartizan('silence', 'add', '-w', 'node=n', '--for', '2h', '--comment', 'swap');
  expect(added).toMatchObject({ code: 0, json: { covers: ['mem:n'], warnings: [] } });
  const { id } = added.json.silence;
  expect((await bartizan('silence', 'list')).json).toMatchObject([{ id, state: 'active', comment: 'swap' }]);
  expect((await bartizan('routes', 'test', 'rule=mem', 'node=n')).json.withheldBy).toMatchObject([
    { name: id },
  ]);
  expect((await bartizan('silence', 'expire', id.slice(0, 8))).code).toBe(0);
  expect((await bartizan('silence', 'list')).json).toEqual([]);
  const token = await bartizan('token', 'add', 'grafana');
  expect((await bartizan('token', 'list')).json).toMatchObject([{ id: token.json.id, status: 'valid' }]);
  expect((await bartizan('token', 'revoke', 'grafana')).code).toBe(0);
  expect((await bartizan('token', 'list')).json).toEqual([]);
  expect((await bartizan('silence', 'list', '--expired')).json).toMatchObject([{ id, state: 'expired' }]);
  await state.close();
});
