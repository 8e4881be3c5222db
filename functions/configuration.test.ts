import { beforeEach, expect, it } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { createMeter, type LocalMeter } from '../local/meter.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { ACTIVE_KEY, createConfiguration } from './configuration.ts';

const KEY = 'config/bartizan.yaml';
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ5C7Q9mDkVvTFqQ7vU0PVbZxg8J2f1m0cXW2n6cJ5l';
const TEXT = `bastions: [{ name: gate, host: h, user: u, privateKey: "\${ssm:/key}", hostKeys: ["${HOST_KEY}"] }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n, role: etcd, host: h, hostKeys: ["${HOST_KEY}"] }] }]
channels: [{ name: ops, type: webhook, url: "https://chat.example.net/" }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 1m }]
store: { type: timestream, database: bartizan, table: samples, region: us-east-1 }
`;
let files: Map<string, string>;
let meter: LocalMeter;
let logger: ReturnType<typeof createRecordingLogger>;
let nowMs: number;

beforeEach(() => {
  files = new Map([[KEY, TEXT]]);
  meter = createMeter();
  logger = createRecordingLogger();
  nowMs = 1_000_000;
});

function create(bastions?: readonly string[]) {
  const bucket = {
    get: async (key: string, unless?: string) => {
      const text = files.get(key);
      return text === undefined || text === unless
        ? undefined
        : { body: Buffer.from(text), version: text, metadata: {} };
    },
    put: async (key: string, body: Uint8Array) => void files.set(key, Buffer.from(body).toString()),
  };
  return createConfiguration(KEY, { bucket, clock: { nowMs: () => nowMs }, logger, meter, bastions });
}
const thresholds = async (configuration: ReturnType<typeof create>) =>
  (await configuration.load()).config.rules.map(
    ({ condition }) => 'threshold' in condition && condition.threshold,
  );

it('puts what was uploaded in force, for others too, when it is looked for again', async () => {
  const [plan, other] = [create(), create()];
  await plan.activate();
  expect(await thresholds(other)).toEqual([90]);
  files.set(KEY, TEXT.replace('above: 90', 'above: 80'));
  expect(await thresholds(plan)).toEqual([90]);
  await plan.activate();
  expect(await thresholds(plan)).toEqual([80]);
  // What a process has read it keeps for a moment.
  expect(await thresholds(other)).toEqual([90]);
  nowMs += 20_000;
  expect(await thresholds(other)).toEqual([80]);
  expect(meter.total('config_errors_total')).toBe(0);
});

it.each<[what: string, text: string, said: string]>([
  ['an unknown field', TEXT.replace('above', 'abov'), 'unknown key `abov`'],
  ['a file as store', TEXT.replace(/store: .*/, ''), 'store.type: `sqlite` is a file'],
  [
    'a secret of this machine',
    TEXT.replace('${ssm:/key}', '${file:/key}'),
    '${file:/key} is unknown to a function',
  ],
  [
    'a node whose key nobody knows',
    TEXT.replace(/(host: h), hostKeys: [^}]*\}(?=\])/, '$1 }'),
    'no host key is pinned',
  ],
  ['a bastion without a queue', TEXT.replaceAll('gate', 'door'), 'no queue was deployed for bastions door'],
])('%s: the one before stays in force, and each round counts it', async (_what, text, said) => {
  const plan = create(['gate']);
  await plan.activate();
  files.set(KEY, text);
  for (const round of [1, 2]) {
    await plan.activate();
    expect(meter.total('config_errors_total')).toBe(round);
  }
  expect(JSON.stringify(logger.lines.at(-1))).toContain(said);
  expect(files.get(ACTIVE_KEY)).toBe(TEXT);
  nowMs += 20_000;
  expect(await thresholds(plan)).toEqual([90]);
});

it('says that there is none, or that the first one is wrong, in words', async () => {
  files.clear();
  await expect(create().load()).rejects.toThrow(new ConfigError(`there is no configuration: upload ${KEY}`));
  files.set(KEY, 'bastions: 3');
  await expect(create().load()).rejects.toThrow(/^config\/bartizan.yaml has \d+ errors\n/);
});
