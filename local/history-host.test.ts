import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Config } from '../core/model/config.ts';
import { configOf, configText } from '../test/config-cases.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createFaults } from './faults.ts';
import type { HistoryAnswer, HistoryChild } from './history-child.ts';
import { createHistoryHost } from './history-host.ts';
import type { HistoryRequest } from './history-messages.ts';
import { createMeter } from './meter.ts';

const request: HistoryRequest = {
  method: 'GET',
  url: 'http://localhost/v1/x',
  headers: [],
  caller: { address: '127.0.0.1', isLocal: true },
};
const ANSWER: HistoryAnswer = { status: 200, headers: [], body: (async function* () {})() };
const signal = new AbortController().signal;

/** A child of the test; `answer` is what it does with requests. */
interface FakeChild extends HistoryChild {
  configs: Config[];
  ended: string | undefined;
  die(message: string): void;
}

let children: FakeChild[];
let config: Config;
let answer: () => Promise<HistoryAnswer>;
let signOfLife: () => Promise<void>;
let isBehind: boolean;

function host() {
  const faults = createFaults();
  const meter = createMeter();
  const logger = createRecordingLogger();
  const made = createHistoryHost({
    config: () => config,
    faults,
    meter,
    logger,
    start(first, onDeath) {
      const dying = Promise.withResolvers<never>();
      dying.promise.catch(() => {});
      const child: FakeChild = {
        configs: [first],
        ended: undefined,
        configure: (next) => child.configs.push(next),
        signOfLife: () => Promise.race([signOfLife(), dying.promise]),
        isBehind: () => isBehind,
        answer: () => Promise.race([answer(), dying.promise]),
        end(why) {
          child.ended = why;
          dying.reject(new Error(why));
        },
        die(message) {
          const error = new Error(message);
          dying.reject(error);
          onDeath(error);
        },
      };
      children.push(child);
      return child;
    },
  });
  const health = () => faults.findings().warnings.map(({ code }) => code);
  return { ...made, made, ask: () => made.answer(request, signal), health, meter, logger };
}

beforeEach(() => {
  vi.useFakeTimers();
  children = [];
  config = configOf(configText());
  answer = async () => ANSWER;
  signOfLife = () => new Promise(() => {});
  isBehind = false;
});
afterEach(() => void vi.useRealTimers());

it('starts a child with the first request, and ends it when nobody asks for five minutes', async () => {
  const { ask, meter } = host();
  expect(children).toEqual([]);
  expect(await ask()).toBe(ANSWER);
  await vi.advanceTimersByTimeAsync(299_000);
  await ask();
  expect(children).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(299_000);
  expect(children[0]?.ended).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(children[0]?.ended).toBeDefined();
  expect(await ask()).toBe(ANSWER);
  expect(meter.total('history_process_starts_total')).toBe(2);
  expect(meter.total('history_process_failures_total')).toBe(0);
});

it('gives the child a new configuration before the next request, and an old one never again', async () => {
  const { ask } = host();
  const first = config;
  await ask();
  await ask();
  config = { ...config };
  await ask();
  await ask();
  expect(children[0]?.configs).toEqual([first, config]);
});

it('refuses what a dead child worked on, pauses, starts another, and warns until that answers', async () => {
  const { ask, health, meter, logger } = host();
  answer = () => new Promise(() => {});
  const [one, two] = [ask(), ask()];
  children[0]?.die('out of memory');
  for (const refused of [await one, await two, await ask()])
    expect(refused).toMatchObject({ status: 503, retryAfterS: expect.any(Number) });
  expect(children).toHaveLength(1);
  expect(health()).toEqual(['history-failing']);
  expect(meter.total('history_process_failures_total')).toBe(1);
  expect(logger.lines).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1_000);
  answer = async () => ANSWER;
  expect(await ask()).toBe(ANSWER);
  expect(health()).toEqual([]);
});

it('doubles the pause while no thread answers, up to a minute', async () => {
  const { ask } = host();
  answer = () => new Promise(() => {});
  for (const pauseMs of [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000)) {
    const started = children.length;
    void ask();
    expect(children).toHaveLength(started + 1);
    children.at(-1)?.die('again');
    await vi.advanceTimersByTimeAsync(pauseMs - 1);
    await ask();
    expect(children).toHaveLength(started + 1);
    await vi.advanceTimersByTimeAsync(1);
  }
});

it('ends a child that a query holds up, which cannot say so itself', async () => {
  const { ask, meter, logger } = host();
  answer = () => new Promise(() => {});
  const held = ask();
  await vi.advanceTimersByTimeAsync(39_999);
  expect(children[0]?.ended).toBeUndefined();
  const later = ask();
  await vi.advanceTimersByTimeAsync(1);
  expect(await held).toMatchObject({ status: 503 });
  expect(await later).toMatchObject({ status: 503 });
  expect(children[0]?.ended).toContain('40 s');
  expect(meter.total('history_process_failures_total')).toBe(1);
  expect(JSON.stringify(logger.lines)).toContain('held it up');
});

it.each([
  ['held up', () => new Promise<void>(() => {}), true],
  ['at work', async () => {}, false],
])('ends a child that is %s when its clients have left: %s', async (_, sign, ends) => {
  const { made, meter } = host();
  answer = () =>
    new Promise((_, reject) => leaving.signal.addEventListener('abort', () => reject(new Error())));
  signOfLife = sign;
  const leaving = new AbortController();
  const left = made.answer(request, leaving.signal);
  await vi.advanceTimersByTimeAsync(30_000);
  leaving.abort();
  await expect(left).rejects.toThrow('abort');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(children[0]?.ended !== undefined).toBe(ends);
  expect(meter.total('history_process_failures_total')).toBe(ends ? 1 : 0);
});

it('refuses what a child does not take', async () => {
  const { ask } = host();
  await ask();
  isBehind = true;
  expect(await ask()).toMatchObject({ status: 503, retryAfterS: 5 });
  isBehind = false;
  expect(await ask()).toBe(ANSWER);
});

it('answers nothing once it is closed', async () => {
  const { ask, close } = host();
  await ask();
  close();
  expect(children[0]?.ended).toBeDefined();
  expect(await ask()).toMatchObject({ status: 503 });
  expect(children).toHaveLength(1);
});
