// Messages that fail for long: SQS does not count them in the age of their queue, so the alarm on that age does not see
// them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { alarmsAt, exampleStack } from './example-alarms.ts';
import type { Datum } from './faults.ts';
import { fleetConfig, observeFleet } from './fleet.ts';
import { urlOf } from './stages.ts';

const START = 480_000 * 3_600_000;
let dir: string;
let cloud: Cloud;
let data: Datum[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-old-'));
  data = [];
  const config = fleetConfig({ bastions: 1, clusters: 1 });
  cloud = startCloud({
    config,
    dir,
    startMs: START,
    probe: observeFleet,
    onMetric: (datum) => data.push(datum),
  });
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

/** Runs the rounds. Returns the greatest age that SQS measured meanwhile in the queue of store. */
async function rounds(from: number, to: number): Promise<number> {
  let greatest = 0;
  for (let minute = from; minute <= to; minute++) {
    await cloud.round(START + minute * MINUTE);
    greatest = Math.max(greatest, cloud.queues.ageOfOldest(urlOf('store')) ?? 0);
  }
  return greatest;
}

it('a message that fails for an hour does not age its queue, but the function measures its age, and an alarm begins', async () => {
  await rounds(0, 2);
  cloud.fault.store = true;
  const age = await rounds(3, 63);
  const [ofQueue] = exampleStack.alarms.filter(({ id }) => /^StoreQueueAgeAlarm/.test(id));
  expect(ofQueue?.Properties.MetricName).toBe('ApproximateAgeOfOldestMessage');
  expect(age).toBeLessThan(Number(ofQueue?.Properties.Threshold) / 10);
  expect(alarmsAt(data, START, 16).on).not.toContain('StoreQueueFailingAge');
  expect(alarmsAt(data, START, 25).on).toContain('StoreQueueFailingAge');
  expect(alarmsAt(data, START, 63).on).toContain('StoreQueueFailingAge');
  cloud.fault.store = false;
  await rounds(64, 75);
  const { on, notified } = alarmsAt(data, START, 75);
  expect(on).toEqual([]);
  // The alarm lasts as long as the function fails; a minute without a try does not end it.
  const ofAge = notified.filter((line) => line.endsWith('StoreQueueFailingAge'));
  expect(ofAge).toEqual(['ALARM StoreQueueFailingAge', 'OK StoreQueueFailingAge']);
});

it('a message that succeeds the second time, or waits on purpose, does not count', async () => {
  cloud.fault.store = true;
  await cloud.round(START);
  cloud.fault.store = false;
  await rounds(1, 20);
  expect(
    data.filter(({ name, service }) => name === 'failing_message_age_seconds' && service === 'notify'),
  ).toEqual([]);
  expect(alarmsAt(data, START, 20).notified.filter((line) => line.includes('FailingAge'))).toEqual([]);
});
