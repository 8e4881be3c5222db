import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PictureOrder } from '../../core/chart/series.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { SampleStore } from '../../core/ports.ts';
import { memoryUsage, sampleAlert } from '../../test/contract/notifications.ts';
import { openSqliteStore } from '../stores/sqlite/store.ts';
import { createOwnThread } from './own-thread.ts';
import type { PictureThread } from './picture-thread.ts';
import { type SampleSource, startWorkerThread } from './worker-thread.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 9, 40);
const labels = { cluster: 'prod', node: 'node-1', role: 'etcd' };
const order: PictureOrder = {
  rule: {
    ...memoryUsage,
  },
  alerts: [sampleAlert({ labels, sinceMs: NOW - 20 * MINUTE, firedAtMs: NOW - 10 * MINUTE })],
  status: 'firing',
  fromMs: NOW - 60 * MINUTE,
  toMs: NOW,
  nowMs: NOW,
  timeZone: 'UTC',
  intervalMs: MINUTE,
  theme: 'dark',
};

let dir: string;
let store: SampleStore;
let threads: PictureThread[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-pictures-'));
  store = openSqliteStore({ path: dir });
  threads = [];
  const samples: Sample[] = Array.from({ length: 60 }, (_, i) => ({
    metric: 'mem_usage',
    labels,
    timeMs: NOW - (59 - i) * MINUTE,
    value: i < 40 ? 60 + i / 2 : 93,
  }));
  await store.write(samples);
});

afterEach(async () => {
  for (const thread of threads) thread.end();
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(source: SampleSource, program?: URL): PictureThread {
  const thread = startWorkerThread(source, program);
  threads.push(thread);
  return thread;
}

const programOf = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`);
const ON_MESSAGE = "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () =>";

it('draws what the thread that calls would draw, whether it reads the samples itself or is given them', async () => {
  const here = await createOwnThread(store).draw(order);
  for (const source of [{ path: dir }, { store }]) {
    const there = await start(source).draw(order);
    expect(Buffer.from(there.png).equals(here.png)).toBe(true);
    expect({ ...there, png: '' }).toEqual({ ...here, png: '' });
  }
});

it('sees samples that came after the first picture', async () => {
  const thread = start({ path: dir });
  const before = await thread.draw(order);
  await store.write([{ metric: 'mem_usage', labels: { ...labels, node: 'node-2' }, timeMs: NOW, value: 20 }]);
  const after = await thread.draw(order);
  expect(Buffer.from(after.png).equals(Buffer.from(before.png))).toBe(false);
});

it('tells what a picture failed of, and goes on', async () => {
  const empty = start({ path: join(dir, 'nothing') });
  await expect(empty.draw(order)).rejects.toThrow('there are no data in');
  await expect(empty.draw(order)).rejects.toThrow('there are no data in');
  expect(empty.isAlive()).toBe(true);
  const failing = start({ store: { ...store, latest: () => Promise.reject(new Error('503')) } });
  await expect(failing.draw(order)).rejects.toThrow('503');
  expect(failing.isAlive()).toBe(true);
});

it.each([
  ['ends', `${ON_MESSAGE} process.exit(3));`, 'ended with code 3'],
  ['throws', `${ON_MESSAGE} { throw new Error('no memory'); });`, 'the thread that draws failed'],
])('says so when the thread %s at a picture', async (_, program, message) => {
  const thread = start({ path: dir }, programOf(program));
  await expect(thread.draw(order)).rejects.toThrow(message);
  expect(thread.isAlive()).toBe(false);
  await expect(thread.draw(order)).rejects.toThrow(message);
});

it('is not alive once it died idle', async () => {
  const thread = start({ path: dir }, programOf('process.exit(1)'));
  while (thread.isAlive()) await new Promise((resolve) => setImmediate(resolve));
  await expect(thread.draw(order)).rejects.toThrow('ended with code 1');
});

it('ends in the middle of a picture', async () => {
  const thread = start({ path: dir }, programOf(`${ON_MESSAGE} { for (;;); });`));
  const drawn = thread.draw(order);
  thread.end();
  await expect(drawn).rejects.toThrow('was ended');
});

it('holds the process while it draws, and not after', async () => {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const program = `
    const { startWorkerThread } = await import(${url('./worker-thread.ts')});
    const thread = startWorkerThread(${JSON.stringify({ path: dir })});
    const { png } = await thread.draw(${JSON.stringify(order)});
    process.stdout.write(String(png.length > 10_000));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, out]).toEqual([0, 'true']);
});
