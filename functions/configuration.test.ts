import { beforeEach, describe, expect, it } from 'vitest';
import { KINDS } from '../adapters/registry.ts';
import { type Deployed, describeDeployed } from '../core/deployment/deployed.ts';
import { EXPANDED_FORMAT } from '../core/deployment/expanded.ts';
import { ConfigError, RetryableError } from '../core/errors.ts';
import { createMeter, type LocalMeter } from '../local/meter.ts';
import { configOf } from '../test/config-cases.ts';
import { createMemoryBucket, CONFIG_KEY as KEY, type MemoryBucket } from '../test/memory-bucket.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { ACTIVE_KEY, createActivation } from './activation.ts';
import { createConfiguration } from './configuration.ts';
import { MANIFEST_KEY, SECTIONS_PREFIX } from './expanded-sections.ts';

const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ5C7Q9mDkVvTFqQ7vU0PVbZxg8J2f1m0cXW2n6cJ5l';
const TEXT = `bastions: [{ name: gate, host: h, user: u, privateKey: "\${ssm:/key}", hostKeys: ["${HOST_KEY}"] }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n, role: etcd, host: h, hostKeys: ["${HOST_KEY}"] }] }]
channels: [{ name: ops, type: webhook, url: "https://chat.example.net/" }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 1m }]
store: { type: timestream, database: bartizan, table: samples, region: us-east-1 }
`;
const CHANGED = TEXT.replace('above: 90', 'above: 80');
const WRONG = TEXT.replace('above', 'abov');
const DAY = 24 * 3_600_000;

let bucket: MemoryBucket;
let meter: LocalMeter;
let logger: ReturnType<typeof createRecordingLogger>;
let nowMs: number;

beforeEach(() => {
  bucket = createMemoryBucket();
  bucket.putText(KEY, TEXT);
  meter = createMeter();
  logger = createRecordingLogger();
  nowMs = 1_000_000;
});

const ports = () => ({ bucket, clock: { nowMs: () => nowMs }, logger, meter });
/** A container of plan, and of another function. */
const plan = (options: { deployed?: Deployed; release?: string; slices?: number } = {}) =>
  createActivation(KEY, { ...ports(), slices: 2, release: 'one', ...options });
const deployedFrom = (text: string) => describeDeployed(configOf(text, { kinds: KINDS }), ['/key']);
const reader = () => createConfiguration(KEY, ports());
const threshold = async (configuration: ReturnType<typeof reader>) =>
  (await configuration.settings()).value.rules.map(
    ({ condition }) => 'threshold' in condition && condition.threshold,
  )[0];
const inForce = () => threshold(reader());
const partsWritten = () => bucket.writes.filter((key) => key.startsWith(SECTIONS_PREFIX));
const logged = () => JSON.stringify(logger.lines);

it('plan activates an upload, also for other processes, at their next check', async () => {
  const [activate, other] = [plan(), reader()];
  await activate();
  expect(await threshold(other)).toBe(90);
  bucket.putText(KEY, CHANGED);
  await activate();
  expect(await inForce()).toBe(80);
  // A process keeps what it has read for a moment.
  expect(await threshold(other)).toBe(90);
  nowMs += 20_000;
  expect(await threshold(other)).toBe(80);
  bucket.putText(KEY, TEXT);
  await activate();
  other.expire();
  expect(await threshold(other)).toBe(90);
  expect(meter.total('config_errors_total')).toBe(0);
});

it.each<[what: string, text: string, error: string]>([
  ['an unknown field', WRONG, 'unknown key `abov`'],
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
])(
  '%s: the former configuration stays active, and each round counts an error',
  async (_what, text, error) => {
    const activate = plan({ deployed: deployedFrom(TEXT) });
    await activate();
    bucket.putText(KEY, text);
    const before = bucket.writes.length;
    for (const round of [1, 2]) {
      await activate();
      expect(meter.total('config_errors_total')).toBe(round);
    }
    expect(JSON.stringify(logger.lines.at(-1))).toContain(error);
    expect(bucket.writes).toHaveLength(before);
    expect(await inForce()).toBe(90);
    bucket.putText(KEY, TEXT);
    await activate();
    await activate();
    expect(meter.total('config_errors_total')).toBe(2);
  },
);

it('after a deployment of another configuration, the former upload stays active until the next one, without an error', async () => {
  await plan({ deployed: deployedFrom(TEXT) })();
  const moved = TEXT.replace('host: h', 'host: elsewhere');
  const next = plan({ release: 'two', deployed: deployedFrom(moved) });
  expect(await next()).toBe(true);
  bucket.putText(KEY, moved);
  expect(await next()).toBe(true);
  expect(meter.total('config_errors_total')).toBe(0);
  expect((await reader().settings()).value.bastions[0]?.host).toBe('elsewhere');
});

it('no configuration is active before the first valid upload, which is not a failure', async () => {
  bucket.files.clear();
  const activate = plan();
  expect(await activate()).toBe(false);
  bucket.putText(KEY, WRONG);
  expect(await activate()).toBe(false);
  expect(meter.total('config_errors_total')).toBe(1);
  bucket.putText(KEY, TEXT);
  expect(await activate()).toBe(true);
  // A wrong upload does not change that, in this process, in another, or in one of another release.
  bucket.putText(KEY, WRONG);
  expect([await activate(), await plan()(), await plan({ release: 'two' })()]).toEqual([true, true, true]);
  bucket.files.delete(KEY);
  expect([await activate(), await plan()()]).toEqual([true, true]);
});

it('plan reports that there is no configuration, or that the first one is wrong', async () => {
  bucket.files.clear();
  await plan()();
  await expect(reader().settings()).rejects.toThrow(
    new ConfigError(`there is no active configuration: upload ${KEY}, plan checks it`),
  );
  bucket.putText(KEY, 'bastions: 3');
  await plan()();
  expect(logged()).toMatch(/config\/bartizan.yaml has \d+ errors/);
  await expect(reader().settings()).rejects.toThrow(ConfigError);
});

describe('plan writes the sections', () => {
  it('only for a new upload: another container writes nothing, and does not read the uploaded file', async () => {
    await plan()();
    const { length } = bucket.writes;
    bucket.reads.length = 0;
    await plan()();
    expect(bucket.writes).toHaveLength(length);
    expect(bucket.reads).not.toContain(ACTIVE_KEY);
  });

  it('again when another release, or another number of shards, wrote them', async () => {
    await plan()();
    for (const other of [{ release: 'two' }, { release: 'two', slices: 3 }]) {
      const before = partsWritten().length;
      await plan(other)();
      expect(partsWritten().length - before).toBe(3 + (other.slices ?? 2));
      expect(await inForce()).toBe(90);
    }
  });

  it('from the active text when there are no sections, as before an upgrade, or when the upload is wrong', async () => {
    bucket.putText(KEY, WRONG);
    bucket.putText(ACTIVE_KEY, TEXT);
    const activate = plan({ deployed: deployedFrom(TEXT.replaceAll('gate', 'door')) });
    await activate();
    expect(await inForce()).toBe(90);
    const { length } = bucket.writes;
    await activate();
    expect(bucket.writes).toHaveLength(length);
    expect(meter.total('config_errors_total')).toBe(2);
    bucket.files.delete(KEY);
    await plan({ release: 'two' })();
    expect(await inForce()).toBe(90);
  });

  it('not when the text is wrong for a new release: it reports that, and rounds continue with the former sections', async () => {
    await plan()();
    bucket.putText(KEY, WRONG);
    bucket.putText(ACTIVE_KEY, WRONG);
    const activate = plan({ release: 'two' });
    for (let round = 1; round <= 3; round++) {
      expect(await activate()).toBe(true);
      expect(meter.total('config_errors_total')).toBeGreaterThanOrEqual(round);
      nowMs += DAY;
    }
    expect(logged()).toContain('the active configuration is not valid for this release');
    expect(logged()).toContain('rounds continue with the sections of the last configuration');
    expect(await inForce()).toBe(90);
    // Sections for another number of shards, and sections that the bucket has deleted, are useless.
    expect(await plan({ release: 'two', slices: 3 })()).toBe(false);
    for (const key of bucket.files.keys()) if (key.startsWith(SECTIONS_PREFIX)) bucket.files.delete(key);
    expect(await activate()).toBe(false);
    expect(logged()).toContain('cannot be read either');
  });

  it('again each day, before the bucket deletes them', async () => {
    const activate = plan();
    await activate();
    const before = partsWritten().length;
    nowMs += DAY - 1;
    await activate();
    expect(partsWritten()).toHaveLength(before);
    nowMs += 1;
    await activate();
    expect(partsWritten()).toHaveLength(2 * before);
  });

  it('before the manifest, so that nobody finds half of them', async () => {
    const { put } = bucket;
    const activate = plan();
    await activate();
    bucket.putText(KEY, CHANGED);
    for (let killedAt = 0; ; killedAt++) {
      let left = killedAt;
      bucket.put = async (...written) => {
        if (left-- === 0) throw new RetryableError('killed');
        return put(...written);
      };
      const isDone = await plan()().then(
        () => true,
        () => false,
      );
      const one = reader();
      const { value } = await one.fleet('all');
      expect(value.clusters).toHaveLength(1);
      expect(await threshold(one)).toBe(isDone ? 80 : 90);
      if (isDone) break;
    }
    expect(bucket.writes.at(-1)).toBe(MANIFEST_KEY);
  });
});

describe('a reader', () => {
  it('keeps reading its version, whatever is activated meanwhile', async () => {
    const activate = plan();
    await activate();
    const one = reader();
    expect(await threshold(one)).toBe(90);
    bucket.putText(KEY, CHANGED.replace('name: n,', 'name: other,'));
    await activate();
    const { value } = await one.fleet('all');
    expect([await threshold(one), value.clusters[0]?.nodes[0]?.name]).toEqual([90, 'n']);
    nowMs += 20_000;
    const now = (await one.fleet('all')).value;
    expect([await threshold(one), now.clusters[0]?.nodes[0]?.name]).toEqual([80, 'other']);
  });

  it('knows the clusters of all shards when more come from elsewhere', async () => {
    bucket.putText(KEY, `${TEXT}inventory: [{ type: ssm, path: /clusters }]\n`);
    await plan()();
    for (const index of [0, 1]) {
      const { value } = await reader().fleet({ kind: 'clusters', index, count: 2 });
      expect(value.clusters).toHaveLength(1);
    }
  });

  const sectionOf = (name: string) => {
    const { parts } = JSON.parse(String(Buffer.from(bucket.files.get(MANIFEST_KEY)?.body ?? [])));
    return `${SECTIONS_PREFIX}${name}-${parts[name]}.json.gz`;
  };
  const cut = (key: string) =>
    bucket.files.set(key, { body: Buffer.from('{"form'), version: '"cut"', metadata: {} });

  it.each<[what: string, harm: () => void, error: string]>([
    ['a manifest that was cut', () => cut(MANIFEST_KEY), 'config/active.json is damaged'],
    [
      'a manifest of another shape',
      () => bucket.putText(MANIFEST_KEY, `{"format":${EXPANDED_FORMAT},"parts":{"settings":"x"}}`),
      'config/active.json is damaged: release: ',
    ],
    [
      'a manifest of another release',
      () => bucket.putText(MANIFEST_KEY, `{"format":${EXPANDED_FORMAT + 1},"parts":[]}`),
      `config/active.json has format ${EXPANDED_FORMAT + 1}, that of another release`,
    ],
    ['a part that was cut', () => cut(sectionOf('settings')), 'is damaged'],
    ['a part that is gone', () => bucket.files.delete(sectionOf('settings')), 'is missing'],
  ])('%s: reports it, uses no older section, and plan writes it again', async (_what, harm, error) => {
    const activate = plan();
    await activate();
    bucket.putText(KEY, CHANGED);
    await activate();
    harm();
    const one = reader();
    await expect(one.settings()).rejects.toThrow(RetryableError);
    await expect(one.settings()).rejects.toThrow(error);
    nowMs += 10 * 60_000;
    await activate();
    expect(await threshold(one)).toBe(80);
  });
});
