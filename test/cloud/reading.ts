// Measures what a function needs to read its section of the active configuration. It runs in its own process, as a
// container is: `node test/cloud/reading.ts FOLDER PART` reads the files of a bucket. `activation` measures plan, which
// works on the uploaded file.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Bucket } from '../../adapters/aws/bucket.ts';
import { createConfiguration } from '../../functions/configuration.ts';
import { createMeter } from '../../local/meter.ts';
import { CONFIG_KEY, createMemoryBucket, type MemoryBucket } from '../memory-bucket.ts';
import { createRecordingLogger } from '../recording-logger.ts';

export const READINGS = ['public', 'settings', 'logins', 'shard', 'all', 'activation'] as const;
export type Reading = (typeof READINGS)[number];

export interface ReadingCost {
  cpuMs: number;
  /** The peak memory of the process, and its memory before reading. */
  peakMb: number;
  baseMb: number;
}

/** Measures the reading of a section when the bucket has these files. */
export function measureReading(reading: Reading, bucket: MemoryBucket, dir: string): ReadingCost {
  for (const [key, { body }] of bucket.files) {
    mkdirSync(dirname(join(dir, key)), { recursive: true });
    writeFileSync(join(dir, key), body);
  }
  const { stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, dir, reading], {
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as ReadingCost;
}

/** The number of slices of nodes, and the shard that is read. */
const SLICES = 16;

async function read(reading: Reading, bucket: Pick<Bucket, 'get' | 'put'>): Promise<void> {
  const ports = { bucket, clock: { nowMs: Date.now }, logger: createRecordingLogger(), meter: createMeter() };
  const configuration = createConfiguration(CONFIG_KEY, { bucket, clock: ports.clock });
  switch (reading) {
    case 'public':
      return void (await configuration.publicSettings());
    case 'settings':
      return void (await configuration.settings());
    case 'shard':
      return void (await configuration.fleet({ kind: 'clusters', index: 0, count: SLICES }));
    case 'logins':
    case 'all':
      return void (await configuration.fleet(reading));
    case 'activation': {
      const { createActivation } = await import('../../functions/activation.ts');
      const activate = createActivation(CONFIG_KEY, { ...ports, slices: SLICES, release: 'new' });
      await activate();
      if (ports.meter.total('config_errors_total') > 0) throw new Error(JSON.stringify(ports.logger.lines));
    }
  }
}

if (import.meta.main) {
  const [dir = '', reading = ''] = process.argv.slice(2);
  const kept = createMemoryBucket();
  const bucket: Pick<Bucket, 'get' | 'put'> = {
    ...kept,
    async get(key, unless) {
      await kept.put(key, readFileSync(join(dir, key)), { contentType: '' });
      return kept.get(key, unless);
    },
  };
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  const baseMb = megabytes(process.memoryUsage.rss());
  const before = process.cpuUsage();
  await read(reading as Reading, bucket);
  const { user, system } = process.cpuUsage(before);
  const cost: ReadingCost = {
    cpuMs: Math.round((user + system) / 1000),
    // The resource usage of a new process begins with the peak memory of its parent.
    peakMb: megabytes(
      Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024,
    ),
    baseMb,
  };
  process.stdout.write(JSON.stringify(cost));
}
