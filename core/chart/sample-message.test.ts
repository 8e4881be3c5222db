import { describe, expect, it } from 'vitest';
import { evaluateRule } from '../evaluate/evaluate.ts';
import type { Series } from '../model/sample.ts';
import { sampleMessage, sampleRule, sampleSeries } from './sample-message.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 24, 9, 25);

/** What the rule makes of the sample series. */
function evaluateSeries(series: readonly Series[]) {
  const up = series.map((one) => ({
    ...one,
    metric: 'up',
    points: one.points.map(({ timeMs }) => ({ timeMs, value: 1 })),
  }));
  const common = {
    rule: sampleRule,
    intervalMs: MINUTE,
    // A rule that is new looks back as far as this.
    latenessMs: 90 * MINUTE,
    series,
    up,
    targets: series.map(({ labels }) => ({ labels })),
    alerts: [],
  };
  const { checkpoint } = evaluateRule({ ...common, checkpoint: undefined, nowMs: NOW - 89 * MINUTE });
  return evaluateRule({ ...common, checkpoint, nowMs: NOW });
}

describe.each([false, true])('the sample alert, resolved: %s', (resolved) => {
  const { notification, chart } = sampleMessage({
    channel: 'ops',
    resolved,
    nowMs: NOW,
    timeZone: 'Asia/Seoul',
    theme: 'dark',
  });
  const [alert] = notification.alerts;
  const series = sampleSeries(NOW, resolved);
  const points = series[0]?.points ?? [];

  it('breaches since the sample that its text names, without a break, and the picture shows it', () => {
    const breaching = points.filter(({ value }) => value > 90).map(({ timeMs }) => timeMs);
    expect(breaching[0]).toBe(alert?.sinceMs);
    expect(chart.pending).toEqual({ fromMs: alert?.sinceMs, toMs: alert?.firedAtMs });
    const endMs = resolved ? alert?.clearedAtMs : NOW + MINUTE;
    expect(breaching).toHaveLength(((endMs ?? 0) - (alert?.sinceMs ?? 0)) / MINUTE);
  });

  it('has the value of its newest sample', () => {
    expect(alert?.value).toBe(points.at(-1)?.value);
    expect(chart.lines[0]?.value).toBe(`${alert?.value}%`);
  });

  it('is what the rule finds in the series', () => {
    const [found] = evaluateSeries(series).alerts.filter(({ labels }) => labels.node === 'node-1');
    const { sinceMs, firedAtMs, value } = alert ?? {};
    if (resolved) expect(found?.status ?? 'ok').toBe('ok');
    else expect(found).toMatchObject({ status: 'firing', sinceMs, firedAtMs, value });
  });
});
