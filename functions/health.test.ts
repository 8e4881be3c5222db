import { describe, expect, it } from 'vitest';
import { createMemoryBucket } from '../test/memory-bucket.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { DELIVERY_KEY, EVALUATED, HEALTH_KEY, readDelivery, readEvaluated, readHealth } from './health.ts';

const NOW = 1_000_000;
const times = { nowMs: NOW, tickMs: 60_000 };

describe('files of rounds', () => {
  const bucket = createMemoryBucket();
  const put = (text: string) => {
    for (const key of [HEALTH_KEY, DELIVERY_KEY, `${EVALUATED}0-of-2.json`]) bucket.putText(key, text);
  };

  it.each(['', '{', 'null', '[]', '{"roundMs":"5","atMs":"5"}', '{"roundMs":{},"reasons":5}'])(
    'with content %j count as missing: nothing was evaluated, deliveries are unknown, and the log reports it',
    async (text) => {
      const logger = createRecordingLogger();
      put(text);
      expect(await readHealth(bucket, logger)).toBeUndefined();
      expect(await readDelivery(bucket, times, logger)).toBeUndefined();
      const evaluated = await readEvaluated(bucket, 2, 1, logger);
      expect(evaluated).toEqual({ behind: ['0/2', '1/2'], failedRules: 0 });
      const keys = logger.lines.map(({ message }) => message.split(' ')[0]);
      expect(keys).toEqual([HEALTH_KEY, DELIVERY_KEY, `${EVALUATED}0-of-2.json`]);
    },
  );

  it('of another release are read as far as this release knows their fields', async () => {
    const logger = createRecordingLogger();
    put(`{"roundMs":5,"atMs":${NOW},"undelivered":1,"reasons":[],"warnings":[],"more":{}}`);
    expect(await readHealth(bucket, logger)).toMatchObject({ roundMs: 5 });
    expect(await readDelivery(bucket, times, logger)).toMatchObject({ undelivered: 1 });
    expect((await readEvaluated(bucket, 2, 1, logger)).behind).toEqual(['1/2']);
    expect(logger.lines).toEqual([]);
  });
});
