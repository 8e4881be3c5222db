import { beforeEach, describe, expect, it } from 'vitest';
import { createMeter, type LocalMeter } from '../local/meter.ts';
import { createMemoryBucket, CONFIG_KEY as KEY, type MemoryBucket } from '../test/memory-bucket.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createActivation } from './activation.ts';
import { createConfiguration } from './configuration.ts';

const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ5C7Q9mDkVvTFqQ7vU0PVbZxg8J2f1m0cXW2n6cJ5l';

let bucket: MemoryBucket;
let meter: LocalMeter;
let logger: ReturnType<typeof createRecordingLogger>;
let nowMs: number;

beforeEach(() => {
  bucket = createMemoryBucket();
  meter = createMeter();
  logger = createRecordingLogger();
  nowMs = 1_000_000;
});

const ports = () => ({ bucket, clock: { nowMs: () => nowMs }, logger, meter });
const plan = () => createActivation(KEY, { ...ports(), slices: 2, release: 'one' });
const logged = () => JSON.stringify(logger.lines);

describe('an upload that lacks nodes', () => {
  const withNodes = (count: number, more = '') => {
    const nodes = Array.from(
      { length: count },
      (_, i) => `{ name: n${i}, role: etcd, host: h, hostKeys: ["${HOST_KEY}"] }`,
    );
    return `bastions: [{ name: gate, host: h, user: u, privateKey: "\${ssm:/key}", hostKeys: ["${HOST_KEY}"] }]
clusters: [{ name: prod, bastion: gate, nodes: [${nodes.join(', ')}] }]
channels: [{ name: ops, type: webhook, url: "https://chat.example.net/" }]
rules: [{ name: memory, metric: mem_usage, above: 90, for: 1m }]
store: { type: timestream, database: bartizan, table: samples, region: us-east-1 }
${more}`;
  };
  const active = async () =>
    (await createConfiguration(KEY, ports()).fleet('all')).value.clusters[0]?.nodes.length;

  it('is refused where it lacks more than a tenth, until it says that they shall go', async () => {
    bucket.putText(KEY, withNodes(20));
    const activate = plan();
    await activate();
    bucket.putText(KEY, withNodes(10));
    expect(await activate()).toBe(true);
    expect(logged()).toContain('10 of 20 nodes would go within an hour, and 2 may');
    expect(meter.total('config_errors_total')).toBe(1);
    expect(await active()).toBe(20);
    bucket.putText(KEY, withNodes(10, 'removal: { mostPercent: 100 }\n'));
    await activate();
    expect(await active()).toBe(10);
  });

  it('is counted with those of the last hour', async () => {
    bucket.putText(KEY, withNodes(20));
    const activate = plan();
    for (const [count, afterMs, inForceThen] of [
      [20, 0, 20],
      [18, 0, 18],
      [16, 0, 18],
      [16, 3_600_000, 16],
    ] as const) {
      nowMs += afterMs;
      // A refused version is not read again.
      bucket.putText(KEY, withNodes(count, `# ${nowMs}\n`));
      await activate();
      expect(await active()).toBe(inForceThen);
    }
  });
});
