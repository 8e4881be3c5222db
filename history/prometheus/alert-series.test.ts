import { beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../core/model/alert.ts';
import type { Config } from '../../core/model/config.ts';
import type { TransitionKind } from '../../core/model/transition.ts';
import type { StateStore } from '../../core/ports.ts';
import { parseMetricSelector } from '../../core/promql/parse.ts';
import { alertOf, transitionOf } from '../../test/contract/state-fixtures.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { alertSeries } from './alert-series.ts';
import { createSampleBudget } from './sample-budget.ts';

const MINUTE = 60_000;
const START = 1_800_057_600_000;
const at = (minute: number) => START + minute * MINUTE;
let state: StateStore;

beforeEach(() => {
  state = createMemoryState();
});

/** One alert, its changes by minute. */
async function put(
  status: Alert['status'],
  changes: Record<number, TransitionKind>,
  node = 'n',
): Promise<void> {
  const minutes = Object.keys(changes).map(Number);
  const firstMinute = minutes[0] ?? 0;
  const alert = alertOf(node, {
    status,
    sinceMs: at(firstMinute),
    firedAtMs: at(minutes.find((m) => changes[m] === 'firing') ?? 0),
  });
  const transitions = minutes.map((minute) => transitionOf(alert, changes[minute]!, at(minute)));
  await state.commitAlert({
    alert: { ...alert, status: 'pending' },
    expectedVersion: 0,
    transitions,
    dueAtMs: 0,
  });
  if (status !== 'pending')
    await state.commitAlert({ alert, expectedVersion: 1, transitions: [], dueAtMs: 0 });
}

/** `firing 5-8|` is from the fifth to the eighth minute, then it ended; times of samples are whole minutes here. */
async function read(selector = 'ALERTS', from = 0, to = 20, nowMinute = 60, maxSamples = 1_000) {
  const config = { rules: [{ name: 'mem', severity: 'critical' }] } as unknown as Config;
  const ports = { state, config: async () => config, clock: { nowMs: () => at(nowMinute) } };
  const query = { matchers: parseMetricSelector(selector), fromMs: at(from), toMs: at(to) };
  const series = await alertSeries(ports, query, createSampleBudget(undefined, maxSamples));
  return series
    .map(({ labels, times, endsMs = [] }) => {
      const minutes = [...times].map((ms) => (ms - START) / MINUTE);
      const ends = endsMs.map((ms) => `|${(ms - START) / MINUTE}`).join('');
      expect(minutes.every((minute, i) => i === 0 || minute > minutes[i - 1]!)).toBe(true);
      return `${labels.alertstate ?? 'since'} ${minutes[0]}-${minutes.at(-1)} (${minutes.length})${ends}`;
    })
    .sort();
}

describe('ALERTS', () => {
  it('has a series for each state, from its begin to its end', async () => {
    await put('ok', { 2: 'pending', 5: 'firing', 9: 'resolved' });
    expect(await read()).toEqual(['firing 5-8 (4)|9', 'pending 2-4 (3)|5']);
  });

  it('goes on until now while the alert lasts', async () => {
    await put('firing', { 2: 'pending', 5: 'firing' });
    expect(await read('ALERTS{alertstate="firing"}', 0, 20, 12)).toEqual(['firing 5-12 (8)']);
  });

  it.each<readonly [string, Alert['status'], Record<number, TransitionKind>, string[]]>([
    ['fired before the range and lasts', 'firing', { 2: 'pending', 5: 'firing' }, ['firing 7-10 (4)']],
    [
      'fired before the range and ends in it',
      'ok',
      { 2: 'pending', 5: 'firing', 9: 'resolved' },
      ['firing 7-8 (2)|9'],
    ],
    ['fires in it', 'firing', { 2: 'pending', 9: 'firing' }, ['firing 9-10 (2)', 'pending 7-8 (2)|9']],
    ['was cancelled in it', 'ok', { 2: 'pending', 9: 'cancelled' }, ['pending 7-8 (2)|9']],
    ['ended before it', 'ok', { 2: 'pending', 3: 'firing', 6: 'resolved' }, []],
    ['begins after it', 'firing', { 12: 'pending', 15: 'firing' }, []],
    ['ends after it', 'ok', { 2: 'pending', 5: 'firing', 15: 'resolved' }, ['firing 7-10 (4)']],
  ])('of an alert that %s', async (_, status, changes, series) => {
    await put(status, changes);
    expect(await read('ALERTS', 7, 10)).toEqual(series);
  });

  it('has the labels of the alert, its rule and severity', async () => {
    await put('firing', { 2: 'firing' });
    await put('firing', { 2: 'firing' }, 'other');
    const own = '{alertname="mem",alertstate="firing",severity="critical",node="n",cluster="c"}';
    expect(await read(`ALERTS${own}`)).toEqual(['firing 2-20 (19)']);
    expect(await read('ALERTS{severity="warning"}')).toEqual([]);
  });

  it('counts against the samples that a query may read', async () => {
    await put('firing', { 2: 'firing' });
    await expect(read('ALERTS', 0, 1e6, 1e6)).rejects.toMatchObject({ type: 'limit' });
  });
});

it('ALERTS_FOR_STATE has the begin of the breach', async () => {
  await put('firing', { 2: 'pending', 5: 'firing' });
  expect(await read('ALERTS_FOR_STATE')).toEqual(['since 2-20 (19)|5']);
});
