import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStageFixture, MINUTE, memory, START } from '../../test/stage-fixture.ts';
import type { REDUCERS, Rule } from '../model/rule.ts';
import type { SeriesQuery } from '../ports.ts';
import { forecast } from './forecast.ts';
import { readEvery, reducedEveryMs } from './forecast-step.ts';
import { deriveSeries } from './rule-series.ts';

const SECOND = 1000;
const HOUR = 60 * MINUTE;
const windowed = (lastMs: number, reduce: (typeof REDUCERS)[number] = 'forecast'): Rule => ({
  ...memory,
  inhibitedBy: [],
  window: { lastMs, reduce, ...(reduce === 'forecast' && { aheadMs: 24 * HOUR }) },
});

describe('the samples that a forecast reads', () => {
  it.each([
    ['an hour of rounds each ten seconds: one a minute', HOUR, 10 * SECOND, MINUTE],
    ['six hours of them: one a minute too', 6 * HOUR, 10 * SECOND, MINUTE],
    ['half an hour: sixty', HOUR / 2, 10 * SECOND, 30 * SECOND],
    ['ten minutes: all', HOUR / 6, 10 * SECOND, 10 * SECOND],
    ['rounds that do not divide a minute: a multiple of theirs', HOUR, 7 * SECOND, 56 * SECOND],
    ['rounds each minute: all', 6 * HOUR, MINUTE, MINUTE],
    ['slower rounds: all', 6 * HOUR, HOUR, HOUR],
  ])('are, of %s', (_, lastMs, sampledMs, everyMs) => {
    expect(reducedEveryMs(windowed(lastMs), sampledMs)).toBe(everyMs);
  });

  it.each(['avg', 'max', 'min', 'p95', 'rate', 'delta'] as const)('are all, of %s', (reduce) => {
    expect(reducedEveryMs(windowed(HOUR, reduce), 10 * SECOND)).toBe(10 * SECOND);
    expect(readEvery(windowed(HOUR, reduce), { intervalMs: 10 * SECOND })).toEqual({});
  });

  it('are the same whether or not the store leaves out others, and at least sixty (property)', () => {
    const seconds = fc.integer({ min: 1, max: 90 });
    const minutes = fc.integer({ min: 1, max: 120 });
    const kept = fc.array(fc.boolean(), { minLength: 200, maxLength: 200 });
    fc.assert(
      fc.property(seconds, minutes, kept, (every, last, keep) => {
        const [intervalMs, rule] = [every * SECOND, windowed(last * MINUTE)];
        const firstMs = Math.ceil(START / intervalMs) * intervalMs;
        const points = keep.flatMap((isKept, i) =>
          isKept ? [{ timeMs: firstMs + i * intervalMs, value: Math.sin(i) }] : [],
        );
        const { everyMs = intervalMs } = readEvery(rule, { intervalMs });
        const left = points.filter(({ timeMs }) => timeMs % everyMs === 0);
        const derived = (some: typeof points) =>
          deriveSeries({ rule, series: [{ metric: rule.metric, labels: {}, points: some }], intervalMs }, 0);
        expect(derived(left)).toEqual(derived(points));
        expect(everyMs % intervalMs).toBe(0);
        expect(everyMs === intervalMs || (last * MINUTE) / everyMs >= 60).toBe(true);
      }),
    );
  });

  it('give nearly the line of all samples', () => {
    const all = Array.from({ length: 360 }, (_, i) => ({
      timeMs: START + i * 10 * SECOND,
      value: 50 + i / 360 + Math.sin(i) / 10,
    }));
    const rule = windowed(HOUR);
    const series = [{ metric: rule.metric, labels: {}, points: all }];
    const [derived] = deriveSeries({ rule, series, intervalMs: 10 * SECOND }, 0);
    const last = derived?.points.at(-1);
    const ofAll = forecast(
      all.filter(({ timeMs }) => timeMs <= (last?.timeMs ?? 0)),
      24 * HOUR,
    );
    // It grows by 24 in a day; a noise of a tenth makes that more or less by one.
    expect(Math.abs((last?.value ?? 0) - (ofAll ?? 0))).toBeLessThan(1);
    expect(ofAll).toBeGreaterThan(74);
  });
});

describe('a round each ten seconds', () => {
  function setup(rule: Rule) {
    const fixture = createStageFixture({ rules: [rule] });
    fixture.config.checks = [{ name: 'usage', probe: 'usage', everyMs: 10 * SECOND, where: {}, options: {} }];
    const asked: SeriesQuery[] = [];
    const { store } = fixture.ports;
    fixture.ports.store = {
      ...store,
      query: async (query) => {
        if (query.metric === rule.metric) asked.push(query);
        return store.query(query);
      },
    };
    return { fixture, asked };
  }

  it('asks the store for a sample a minute, and fires at a multiple of it', async () => {
    const { fixture, asked } = setup({
      ...windowed(HOUR),
      forMs: 2 * MINUTE,
      condition: { kind: 'above', threshold: 100 },
    });
    const seen: string[] = [];
    await fixture.evaluate(-1);
    for (let round = 0; round <= 300; round++) {
      const minute = round / 6;
      fixture.put(minute, { n1: 50 + minute / 10, n2: 50 });
      fixture.put(minute, { n1: 1, n2: 1 }, 'up');
      if (round < 170) continue;
      await fixture.goTo(minute);
      for (const { kind, labels, atMs } of await fixture.evaluate(minute))
        seen.push(`${labels.node} ${kind} at ${(atMs - START) / MINUTE}m`);
    }
    // Half of the sixty samples are there at 29m.
    expect(seen).toEqual(['n1 pending at 29m', 'n1 firing at 31m']);
    expect(new Set(asked.map(({ everyMs }) => everyMs))).toEqual(new Set([MINUTE]));
  });

  it('lacks data after three of those samples, not after three rounds', async () => {
    const { fixture } = setup({
      ...windowed(HOUR),
      forMs: 0,
      noData: 'alerting',
      condition: { kind: 'above', threshold: 100 },
    });
    await fixture.evaluate(-1);
    const seen: string[] = [];
    for (let round = 0; round <= 270; round++) {
      const minute = round / 6;
      if (minute <= 40) fixture.put(minute, { n1: 50, n2: 50 });
      fixture.put(minute, { n1: 1, n2: 1 }, 'up');
      if (round < 200) continue;
      await fixture.goTo(minute);
      for (const { kind, reason, labels, atMs } of await fixture.evaluate(minute))
        seen.push(`${labels.node} ${kind} ${reason} at ${((atMs - START) / MINUTE).toFixed(1)}m`);
    }
    expect(seen.sort()).toEqual(['n1 firing no-data at 42.0m', 'n2 firing no-data at 42.0m']);
  });
});
