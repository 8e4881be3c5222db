import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Check } from '../../core/model/check.ts';
import type { Config } from '../../core/model/config.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Target } from '../../core/model/target.ts';
import type { SampleStore, SeriesQuery, StateStore } from '../../core/ports.ts';
import { parseMetricSelector } from '../../core/promql/parse.ts';
import { TooManySamplesError } from '../../core/sample-store.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createSampleBudget } from './sample-budget.ts';
import { createSeriesSource } from './series-source.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A multiple of a day. */
const START = 1_800_057_600_000;
const check = (name: string, probe: string, everyMs: number): Check => ({
  name,
  probe,
  everyMs,
  where: {},
  options: {},
});
const labelsOf = (n: number): Labels => ({ cluster: 'prod', node: `node-${n}`, role: 'etcd' });
const certificate = { ...labelsOf(1), file: '/etc/ca.crt' };

let path: string;
let store: SampleStore;
let state: StateStore;
let checks: Check[];
let nowMs: number;
let targets: Target[];
let maxSamples: number | undefined;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'series-source-'));
  store = openSqliteStore({ path });
  state = createMemoryState();
  checks = [check('usage', 'usage', MINUTE), check('pki', 'pki', HOUR)];
  nowMs = START + 24 * HOUR;
  maxSamples = undefined;
  targets = [];
});

afterEach(async () => {
  await store.close();
  rmSync(path, { recursive: true });
});

const write = (samples: Sample[]) => store.write(samples);
const rounds = (metric: string, labels: Labels, count: number, everyMs = MINUTE): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ metric, labels, timeMs: START + i * everyMs, value: i }));

async function select(selector: string, fromMs = START, toMs = START + HOUR, signal?: AbortSignal) {
  const config = { checks, rules: [], store: { retentionMs: 7 * 24 * HOUR } } as unknown as Config;
  const ports = {
    store,
    state,
    config: async () => config,
    targets: async () => targets,
    clock: { nowMs: () => nowMs },
  };
  const source = await createSeriesSource({ ports, budget: createSampleBudget(signal, maxSamples) });
  const series = await source.select({ matchers: parseMetricSelector(selector), fromMs, toMs });
  return series.map(({ labels, times, values }) => ({ labels, times: [...times], values: [...values] }));
}

const namesOf = (series: { labels: Labels }[]) =>
  series.map(({ labels }) => `${labels.__name__} ${labels.node}`).sort();

describe('selects', () => {
  beforeEach(async () => {
    await write(
      [1, 2, 3].flatMap((n) => [...rounds('mem_usage', labelsOf(n), 3), ...rounds('up', labelsOf(n), 3)]),
    );
  });

  it('samples under the name of the series', async () => {
    const minutes = [0, 1, 2];
    expect(await select('bartizan_mem_usage_percent{node="node-2"}')).toEqual([
      {
        labels: { __name__: 'bartizan_mem_usage_percent', ...labelsOf(2) },
        times: minutes.map((i) => START + i * MINUTE),
        values: minutes,
      },
    ]);
  });

  it.each([
    ['up{node="node-1"}', ['up node-1']],
    ['bartizan_up{node=~"node-1|node-3"}', ['bartizan_up node-1', 'bartizan_up node-3']],
    [
      '{__name__=~"up|bartizan_mem.*",node!="node-1",node!~"node-2"}',
      ['bartizan_mem_usage_percent node-3', 'up node-3'],
    ],
    ['up{node=~".*-1"}', ['up node-1']],
    ['up{node="node-?"}', []],
    ['up{node=~"node-1|",role="etcd"}', ['up node-1']],
    ['up{mount=""}', ['up node-1', 'up node-2', 'up node-3']],
    ['up{mount!=""}', []],
    ['mem_usage', []],
    ['bartizan_no_such_metric', []],
  ])('%s', async (selector, names) => {
    expect(namesOf(await select(selector))).toEqual(names);
  });

  it('both ends of the range', async () => {
    const [series] = await select('up{node="node-1"}', START + MINUTE, START + 2 * MINUTE);
    expect(series?.times).toEqual([START + MINUTE, START + 2 * MINUTE]);
    expect(await select('up', START + 2 * MINUTE + 1, START + HOUR)).toEqual([]);
  });
});

describe('a long range', () => {
  it('is read in several goes, without a gap or a sample twice', async () => {
    targets = Array.from({ length: 30_000 }, () => ({})) as Target[];
    await write(rounds('mem_usage', labelsOf(1), 1_000));
    const [series] = await select('bartizan_mem_usage_percent', 0, START + 24 * HOUR);
    expect(series?.values).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  it('with more samples than allowed is refused before all are read', async () => {
    await write(rounds('mem_usage', labelsOf(1), 100));
    maxSamples = 99;
    let reads = 0;
    const { query } = store;
    store.query = (asked) => {
      reads++;
      return query(asked);
    };
    await expect(select('bartizan_mem_usage_percent', START, START + 300 * HOUR)).rejects.toMatchObject({
      type: 'limit',
      message: 'the query reads more than 99 samples: select fewer series, or a shorter time',
    });
    expect(reads).toBeLessThan(6);
  });

  it.each([
    ['samples', START - 4 * 24 * HOUR, 1_000_000],
    ['roll-ups', START - 300 * 24 * HOUR, 250_000],
  ])(
    'never has many %s at once, also where a fleet follows a time without any',
    async (_what, fromMs, most) => {
      const denseFromMs = fromMs + 24 * HOUR;
      const dense = { untilMs: fromMs, mostRead: 0 };
      const read = async (perMs: number, { fromMs, toMs, mostSamples = Infinity }: SeriesQuery) => {
        const found = Math.max(0, toMs - Math.max(fromMs, denseFromMs)) * perMs;
        if (found > mostSamples) throw new TooManySamplesError(mostSamples);
        dense.untilMs = Math.max(dense.untilMs, toMs);
        dense.mostRead = Math.max(dense.mostRead, found);
        // None of them matches.
        return [];
      };
      store.query = (asked) => read(0.3, asked);
      store.rollUps = (asked) => read(0.01, asked);
      expect(await select('up{node=~"no.*such"}', fromMs, fromMs + 48 * HOUR)).toEqual([]);
      expect(dense.untilMs).toBe(fromMs + 48 * HOUR);
      expect(dense.mostRead).toBeGreaterThan(10_000);
      expect(dense.mostRead).toBeLessThanOrEqual(most);
    },
  );

  it('ends when the time of the query is over', async () => {
    await expect(select('up', 0, START, AbortSignal.abort())).rejects.toMatchObject({ type: 'timeout' });
  });
});

it('more series than a call has arguments are found', async () => {
  const points = [{ timeMs: START, value: 1 }];
  store.query = async () =>
    Array.from({ length: 200_000 }, (_, n) => ({ metric: 'up', labels: labelsOf(n), points }));
  expect(await select('up')).toHaveLength(200_000);
});

describe('older than the retention of samples', () => {
  it('has the average of each five minutes, at their last millisecond, then samples', async () => {
    await write(rounds('mem_usage', labelsOf(1), 20));
    await store.rollUp(START + 20 * MINUTE);
    await store.prune(START + 10 * MINUTE, 0);
    nowMs = START + 7 * 24 * HOUR + 10 * MINUTE - 1;
    const [series] = await select('bartizan_mem_usage_percent');
    expect(series?.times.slice(0, 3)).toEqual([
      START + 5 * MINUTE - 1,
      START + 10 * MINUTE - 1,
      START + 10 * MINUTE,
    ]);
    expect(series?.values).toEqual([2, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });
});

describe('a slow check', () => {
  const selector = 'bartizan_cert_expiry_seconds';
  const minutesOf = (series: { times: number[] } | undefined) =>
    series?.times.map((ms) => (ms - START) / MINUTE);
  const repeat = (minute: number) => minute + 1 / MINUTE;

  it('has its last value again every two minutes, a millisecond behind', async () => {
    await write(rounds('cert_expiry', certificate, 2, HOUR));
    const [series] = await select(selector, START, START + 66 * MINUTE);
    expect(minutesOf(series)).toEqual([
      0,
      ...Array.from({ length: 29 }, (_, i) => repeat(2 * i + 2)),
      60,
      repeat(62),
      repeat(64),
    ]);
    expect(series?.values).toEqual([...Array<number>(30).fill(0), 1, 1, 1]);
  });

  it('lets no other metric be read from further back', async () => {
    const asked: number[] = [];
    const { query } = store;
    store.query = (one) => {
      asked.push(one.fromMs);
      return query(one);
    };
    await select('bartizan_mem_usage_percent', START, START + MINUTE);
    expect(asked).toEqual([START]);
    await select(selector, START, START + MINUTE);
    expect(Math.min(...asked)).toBe(START - 2 * HOUR);
  });

  it('also where its sample lies before the range', async () => {
    await write(rounds('cert_expiry', certificate, 1, HOUR));
    const [series] = await select(selector, START + 31 * MINUTE, START + 35 * MINUTE);
    expect(minutesOf(series)).toEqual([repeat(32), repeat(34)]);
  });

  it('for two intervals at most, and not while the next run is under way', async () => {
    await write(rounds('cert_expiry', certificate, 1, HOUR));
    const [series] = await select(selector, START + 57 * MINUTE, START + 24 * HOUR);
    const minutes = minutesOf(series) ?? [];
    expect(minutes.slice(0, 3)).toEqual([repeat(58), repeat(62), repeat(64)]);
    expect(minutes.at(-1)).toBe(repeat(118));
  });

  it('not behind a run that failed, until one works', async () => {
    const ran = { metric: 'probe_success', labels: { ...labelsOf(1), check: 'pki' } };
    const failed = [1, 0, 1].map((value, i) => ({ ...ran, timeMs: START + i * HOUR, value }));
    const ofOther = {
      ...ran,
      labels: { ...labelsOf(2), check: 'pki' },
      timeMs: START + 30 * MINUTE,
      value: 0,
    };
    await write([...failed, ofOther, ...rounds('cert_expiry', certificate, 2, 2 * HOUR)]);
    const minutes = minutesOf((await select(selector, START + 55 * MINUTE, START + 124 * MINUTE))[0]);
    expect(minutes).toEqual([repeat(56), repeat(58), 120, repeat(122)]);
  });

  it('is none where it runs often enough', async () => {
    checks = [check('pki', 'pki', 2 * MINUTE)];
    await write(rounds('cert_expiry', certificate, 3, 2 * MINUTE));
    expect(minutesOf((await select(selector))[0])).toEqual([0, 2, 4]);
  });
});
