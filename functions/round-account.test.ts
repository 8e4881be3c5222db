import { describe, expect, it } from 'vitest';
import type { Batch } from '../core/model/batch.ts';
import { createMeter } from '../local/meter.ts';
import { createMemoryBucket } from '../test/memory-bucket.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { DUE_KEY, openRound } from './round-account.ts';

const MINUTE = 60_000;
const checks = [{ name: 'usage', probe: 'usage', everyMs: MINUTE }];

function start() {
  const bucket = createMemoryBucket();
  const logger = createRecordingLogger();
  const open = async (minute: number, own: Pick<typeof bucket, 'get' | 'put'> = bucket) => {
    const roundMs = minute * MINUTE;
    const batch = { roundMs, bastion: 'b', index: 0, count: 1, checks: ['usage'], targets: [{}] };
    const round = { roundMs, config: { checks }, batches: [batch as unknown as Batch] };
    await openRound(round as never, { meter: createMeter(), logger, bucket: async () => own as never });
  };
  const due = () => JSON.parse(Buffer.from(bucket.files.get(DUE_KEY)?.body ?? '').toString());
  return { bucket, logger, open, due };
}

describe('the account of rounds', () => {
  it('keeps the later round of two concurrent plans, whichever writes last', async () => {
    const { bucket, open, due } = start();
    await open(100);
    let overtaken = false;
    const slow: Pick<typeof bucket, 'get' | 'put'> = {
      ...bucket,
      async get(key, unless) {
        const found = await bucket.get(key, unless);
        if (key === DUE_KEY && !overtaken) {
          overtaken = true;
          await open(102);
        }
        return found;
      },
    };
    await open(101, slow);
    expect(overtaken).toBe(true);
    expect(due().roundMs).toBe(102 * MINUTE);
    expect(due().bastions.b[0].roundsMs).toEqual([100, 102].map((minute) => minute * MINUTE));
  });

  it('does not change for a second or a late start of one round', async () => {
    const { bucket, open, due } = start();
    for (const minute of [100, 101]) await open(minute);
    const before = due();
    for (const minute of [101, 100]) await open(minute);
    expect(due()).toEqual(before);
    expect(bucket.writes.filter((key) => key === DUE_KEY)).toHaveLength(3);
  });

  it('is written again when its file is damaged, and the log reports it', async () => {
    const { bucket, logger, open, due } = start();
    bucket.putText(DUE_KEY, '{');
    await open(100);
    expect(due().roundMs).toBe(100 * MINUTE);
    expect(logger.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining(DUE_KEY));
  });
});
