import { describe, expect, it } from 'vitest';
import { memory, nodeDown, route } from '../../test/stage-fixture.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import type { SampleStore } from '../ports.ts';
import { runBacktest } from './backtest.ts';
import { createDueQueue } from './due-incidents.ts';
import { BacktestTooLargeError } from './limits.ts';

const MINUTE = 60_000;
const FROM = 100_000 * MINUTE;
const node = (name: string) => ({ cluster: 'prod', node: name, role: 'etcd' as const });
const target = (name: string): Target => ({
  ...node(name),
  ...{ host: 'h', port: 22, user: 'u', bastion: 'b', hostKeys: [] },
});

type Values = Readonly<Record<string, (minute: number) => number | undefined>>;

/** A store with a value a minute; the minutes of `rolled` have roll-ups alone. */
function storeOf(values: Values, isRolled: (minute: number) => boolean = () => false) {
  const asked: { metric: string; fromMs: number; toMs: number }[] = [];
  const minutesOf = (fromMs: number, toMs: number) => {
    const first = Math.ceil(fromMs / MINUTE);
    return Array.from({ length: Math.max(0, Math.floor(toMs / MINUTE) - first + 1) }, (_, i) => first + i);
  };
  const read = (name: string, metric: string, minute: number) => {
    const value = values[name]?.(minute - FROM / MINUTE);
    return value !== undefined && metric === 'up' ? 1 : value;
  };
  const store: Pick<SampleStore, 'query' | 'rollUps'> = {
    async query({ metric, fromMs, toMs }) {
      asked.push({ metric, fromMs, toMs });
      if (metric !== 'up' && metric !== 'mem_usage') return [];
      return Object.keys(values).flatMap((name): Series[] => {
        const points = minutesOf(fromMs, toMs).flatMap((minute) => {
          const value = isRolled(minute - FROM / MINUTE) ? undefined : read(name, metric, minute);
          return value === undefined ? [] : [{ timeMs: minute * MINUTE, value }];
        });
        return points.length > 0 ? [{ metric, labels: node(name), points }] : [];
      });
    },
    async rollUps({ metric, fromMs, toMs }) {
      const points = minutesOf(fromMs, toMs)
        .filter((minute) => minute % 5 === 0 && isRolled(minute - FROM / MINUTE))
        .map((minute) => ({ timeMs: minute * MINUTE, avg: 50, max: 50, p95: 50 }));
      return points.length > 0 ? [{ metric, labels: node('n1'), points }] : [];
    },
  };
  return { store, asked };
}

function requestOf(minutes: number, rules: readonly Rule[] = [memory]) {
  return {
    config: {
      rules: [...rules, nodeDown],
      routes: [route],
      silences: [],
      checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
      schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE },
    },
    rules: rules.map(({ name }) => name),
    targets: [target('n1'), target('n2')],
    silences: [],
    fromMs: FROM,
    toMs: FROM + minutes * MINUTE,
  };
}

const inMinutes = (ms: number | undefined) => ms !== undefined && (ms - FROM) / MINUTE;

describe('a backtest', () => {
  it('says what would have fired, when, and to whom', async () => {
    const { store } = storeOf({ n1: (minute) => (minute >= 10 && minute < 20 ? 95 : 50), n2: () => 50 });
    const { rules, episodes, messages } = await runBacktest(requestOf(60), { store });
    expect(episodes).toHaveLength(1);
    expect(episodes[0]).toMatchObject({ rule: 'memory', labels: node('n1'), channels: ['ops'], value: 95 });
    const { sinceMs, firedAtMs, resolvedAtMs } = episodes[0] ?? {};
    expect([sinceMs, firedAtMs, resolvedAtMs].map(inMinutes)).toEqual([10, 12, 20]);
    expect(messages.map(({ atMs, reason }) => [inMinutes(atMs), reason])).toEqual([
      [12, 'first'],
      [20, 'all-resolved'],
    ]);
    expect(rules).toEqual([
      {
        ...{ rule: 'memory', severity: 'warning', episodes: 1, cancelled: 0 },
        ...{ firingMs: 8 * MINUTE, messages: 2, unknown: [] },
      },
    ]);
  });

  it('knows what fired before its range began', async () => {
    const { store } = storeOf({ n1: (minute) => (minute >= -60 && minute < 20 ? 95 : 50) });
    const { episodes, messages } = await runBacktest(requestOf(60), { store });
    expect(episodes.map((one) => [inMinutes(one.firedAtMs), one.firedBefore])).toEqual([[-58, true]]);
    expect(episodes[0]?.channels).toEqual(['ops']);
    expect(messages.map(({ atMs }) => inMinutes(atMs))).toEqual([2, 20]);
  });

  it('calls unknown what has no samples, or roll-ups alone', async () => {
    const values = {
      n1: (minute: number) => (minute > 100 && minute < 130 ? undefined : 50),
      n2: () => undefined,
    };
    const { store } = storeOf(values, (minute) => minute < 60);
    const { rules, unseenNodes } = await runBacktest(requestOf(200), { store });
    const gaps = rules[0]?.unknown.map(({ fromMs, toMs, left }) => [
      inMinutes(fromMs),
      inMinutes(toMs),
      left,
    ]);
    expect(gaps).toEqual([
      [0, 60, 'roll-ups'],
      [101, 130, 'nothing'],
    ]);
    expect(unseenNodes).toEqual(['prod/n2']);
    const cert = { ...memory, name: 'cert', metric: 'cert_expiry' };
    const never = await runBacktest(requestOf(60, [cert]), { store });
    expect(never.rules[0]?.unknown).toMatchObject([
      { fromMs: FROM, toMs: FROM + 60 * MINUTE, metric: 'cert_expiry' },
    ]);
  });

  it('names nodes that have samples, but have left the inventory', async () => {
    const { store } = storeOf({ n1: () => 50, n2: () => 50, old: () => 99 });
    const { goneNodes, episodes } = await runBacktest(requestOf(60), { store });
    expect([goneNodes, episodes]).toEqual([['prod/old'], []]);
  });

  it('reads slices, and no more samples than it may', async () => {
    const { store, asked } = storeOf({ n1: () => 50 });
    const shares: number[] = [];
    await runBacktest(requestOf(14 * 24 * 60), { store, onProgress: (done) => void shares.push(done) });
    const longest = Math.max(...asked.map(({ fromMs, toMs }) => toMs - fromMs));
    expect(longest).toBeLessThanOrEqual(25 * 60 * MINUTE);
    expect(shares[0]).toBe(0);
    expect(shares.at(-1)).toBe(1);
    expect(shares.toSorted((a, b) => a - b)).toEqual(shares);
    const limited = runBacktest(requestOf(14 * 24 * 60), { store, mostSamples: 10_000 });
    await expect(limited).rejects.toThrow(BacktestTooLargeError);
  });

  it('ends when its caller wants no answer any more', async () => {
    const { store } = storeOf({ n1: () => 50 });
    const caller = new AbortController();
    const run = runBacktest(requestOf(14 * 24 * 60), {
      store,
      signal: caller.signal,
      onProgress: () => caller.abort(new Error('too slow')),
    });
    await expect(run).rejects.toThrow('too slow');
  });
});

it('a queue gives names in order of time, each at its newest time', () => {
  const queue = createDueQueue();
  for (const [i, atMs] of [50, 20, 90, 20, 70, 10].entries()) queue.set(`n${i}`, atMs);
  queue.set('n5', 60);
  queue.set('n2', undefined);
  const taken = Array.from({ length: 6 }, () => queue.take(69)?.name);
  expect(taken.slice(0, 2).sort()).toEqual(['n1', 'n3']);
  expect(taken.slice(2)).toEqual(['n0', 'n5', undefined, undefined]);
  expect(queue.take(70)).toEqual({ name: 'n4', atMs: 70 });
});
