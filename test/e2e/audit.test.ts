// `up` monitors and alerts whatever became of its audit, and says what became of it.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { until } from '../until.ts';

let dir: string;
let fleet: Fleet;
let sink: Sink;
let running: Bartizan | undefined;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-audit-'));
  fleet = await startFleet({ dir: join(dir, 'nodes'), nodes: [{ name: 'n1', seed: 1, memory: () => 95 }] });
  sink = await startSink({ secret: 's', dir: join(dir, 'messages') });
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  writeFileSync(join(dir, 'secret'), 's');
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/known_hosts'), fleet.knownHosts);
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions: [{ name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }]
clusters:
  - { name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, port: ${fleet.nodes[0]?.port} }] }
checks: [{ name: usage, probe: usage, every: 1s }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 0s }]
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${file:secret}" }]
store: { path: data }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:0" }
`,
  );
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
  await sink.stop();
  await fleet.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const file = join(dir, 'bartizan.yaml');
  const { config } = await loadConfig(file);
  running = await startBartizan({ config, secrets: secretsFor(file), logger: createRecordingLogger() });
}
const stop = async () => {
  await running?.stop();
  running = undefined;
};
const audit = () => join(dir, 'data/audit.jsonl');
const rules = () => sink.messages.map(({ payload }) => JSON.stringify(payload));

it('an audit that was exchanged is kept, is an alert, and monitoring goes on', async () => {
  await start();
  await until(
    'a round is in the audit',
    () => existsSync(audit()) && readFileSync(audit(), 'utf8').includes('prod/n1'),
  );
  await until('the alert is sent', () => sink.messages.length > 0);
  await stop();
  const [first = ''] = readFileSync(audit(), 'utf8').split('\n');
  writeFileSync(audit(), `${first}\n`);
  await start();
  await until('the notice is sent', () => rules().some((text) => text.includes('bartizan-audit-replaced')));
  const aside = readdirSync(join(dir, 'data')).find((name) => name.startsWith('audit.aside-')) ?? '';
  expect(rules().join('\n')).toContain(`kept in ${aside} beside it`);
  expect(readFileSync(join(dir, 'data', aside, 'audit.jsonl'), 'utf8')).toBe(`${first}\n`);
  await until('the new chain has accesses', () => readFileSync(audit(), 'utf8').includes('prod/n1'));
  const health = await running?.health();
  expect(health?.warnings).toContainEqual(expect.objectContaining({ code: 'audit-replaced' }));
});

it('a disk without room for the audit is a failure of health, and the alert is sent all the same', async () => {
  symlinkSync('/dev/full', audit());
  await start();
  await until('the alert is sent', () => rules().some((text) => text.includes('memory')));
  const health = await running?.health();
  expect(health?.reasons).toContainEqual(expect.objectContaining({ code: 'audit-unwritable' }));
});
