import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Config } from '../core/model/config.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime, type VirtualTime } from '../test/virtual-time.ts';
import { createConfigWatch } from './config-watch.ts';

let disk: string | undefined;
let inForce: Config;
let isWrong: boolean;
let reported: (string | undefined)[];
let reloads: number;
let time: VirtualTime;
let stop: AbortController;
let done: Promise<void>;

const fingerprint = async () => disk;

function start(applies: boolean): { reload: () => Promise<void> } {
  inForce = { rules: [] } as unknown as Config;
  const watch = createConfigWatch({ config: inForce, fingerprint: disk });
  const reload = async () => {
    reloads++;
    const config = await watch.load(async () => ({ rules: [] }) as unknown as Config, fingerprint);
    if (!isWrong) inForce = config;
    return { kind: isWrong ? ('refused' as const) : ('applied' as const), message: '' };
  };
  const logger = createRecordingLogger();
  const onChange = (words: string | undefined) => void reported.push(words);
  const { sleep } = time;
  done = watch.run({
    fingerprint,
    inForce: () => inForce,
    reload,
    onChange,
    applies,
    sleep,
    signal: stop.signal,
    logger,
  });
  return { reload: async () => void (await reload()) };
}
const wait = async (seconds: number) => await time.advanceTo(time.clock.nowMs() + seconds * 1_000);

beforeEach(() => {
  [disk, isWrong, reported, reloads] = ['a', false, [], 0];
  time = createVirtualTime(0);
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await done;
});

it('reports a change once, and its end', async () => {
  start(false);
  await wait(30);
  expect(reported).toEqual([]);
  disk = 'b';
  await wait(60);
  expect(reported).toEqual([expect.stringContaining('has changed and is not in force')]);
  disk = 'a';
  await wait(10);
  expect(reported.slice(1)).toEqual([undefined]);
  disk = undefined;
  await wait(60);
  expect(reported.slice(2)).toEqual([expect.stringContaining('is missing')]);
  expect(reloads).toBe(0);
});

it('says nothing about a version that a reload has put in force', async () => {
  const { reload } = start(false);
  disk = 'b';
  await wait(11);
  expect(reported).toHaveLength(1);
  await reload();
  await wait(10);
  expect(reported).toEqual([expect.any(String), undefined]);
});

it('applies a change when the file is the same for two readings, and a refused one only once', async () => {
  start(true);
  for (const half of ['b1', 'b2', 'b3']) {
    disk = half;
    await wait(5);
  }
  expect(reloads).toBe(0);
  await wait(60);
  expect(reloads).toBe(1);
  isWrong = true;
  disk = 'wrong';
  await wait(60);
  expect(reloads).toBe(2);
  disk = undefined;
  await wait(60);
  expect(reloads).toBe(2);
  expect(reported.at(-1)).toContain('is missing');
  isWrong = false;
  disk = 'c';
  await wait(60);
  expect(reloads).toBe(3);
});
