import { chartSelection } from '../chart/selection.ts';
import type { ChartSpec } from '../chart/spec.ts';
import { buildChartSpec, chartRange } from '../chart/spec.ts';
import type { Config } from '../config/types.ts';
import { judgedSeries } from '../evaluate/judged.ts';
import type { Incident, Notification, Picture } from '../notify/model.ts';
import type { ChartStore, SampleStore } from '../ports.ts';

export interface DrawPorts {
  store: Pick<SampleStore, 'query'>;
  renderer: { render(spec: ChartSpec): Promise<Omit<Picture, 'url'>> };
  charts: ChartStore;
  config: Pick<Config, 'channels' | 'checks' | 'schedule'>;
}

/**
 * Draws what a notification is about: the series of its first alert's rule, as `chartSelection` says. Undefined when the incident does not know the rule.
 */
export function createDraw(ports: DrawPorts) {
  const intervalMs = Math.max(...ports.config.checks.map((check) => check.everyMs));
  return async (notification: Notification, incident: Incident): Promise<Picture | undefined> => {
    const first = notification.alerts[0];
    const rule = first && incident.rules[first.rule];
    if (!first || !rule) return undefined;
    const { alerts, where } = chartSelection(notification, rule);
    const nowMs = notification.atMs;
    const { fromMs, toMs } = chartRange({ rule, alerts, nowMs, intervalMs });
    const lookback = { fromMs: fromMs - (rule.window?.lastMs ?? 0), toMs };
    const stored = await ports.store.query({ metric: rule.metric, where, ...lookback });
    const series = judgedSeries({ rule, series: stored, intervalMs }, fromMs - 1);
    const spec = buildChartSpec({
      alerts,
      rule,
      series,
      fromMs,
      toMs,
      nowMs,
      timeZone: ports.config.schedule.timeZone,
      intervalMs,
      status: notification.status,
      theme: ports.config.channels.find(({ name }) => name === incident.channel)?.theme ?? 'dark',
    });
    const picture = await ports.renderer.render(spec);
    return { ...picture, url: await ports.charts.put(picture.png) };
  };
}
