import type { ChartTheme } from '../model/chart-theme.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Notification } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import { beginAttempt } from '../notify/attempt.ts';
import { episodeOf } from '../notify/episode.ts';
import { buildNotification } from '../notify/notification.ts';
import type { ChartSpec } from './spec.ts';
import { buildChartSpec } from './spec.ts';

const MINUTE = 60_000;
const CHART_MINUTES = 90;
/** Minutes before now: the first sample that breaches, and the first one that is good again. */
const SINCE_MINUTES = 25;
const CLEARED_MINUTES = 1;
const THRESHOLD = 90;

export const sampleRule: Rule = {
  name: 'test-message',
  title: 'Test message, memory usage',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: THRESHOLD },
  forMs: 10 * MINUTE,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'info',
  inhibitedBy: [],
  summary: 'This is a test: {{node}} has used {{value}} of its memory for {{held}}',
};

/** A made-up alert on a made-up series, put together by the code that puts real ones together. */
export function sampleMessage(input: {
  channel: string;
  resolved: boolean;
  nowMs: number;
  timeZone: string;
  theme: ChartTheme;
}): { notification: Notification; chart: ChartSpec } {
  const { channel, resolved, nowMs, timeZone, theme } = input;
  const series = sampleSeries(nowMs, resolved);
  const last = series[0]?.points.at(-1)?.value;
  const firing: IncidentAlert = {
    alertId: 'test-message/node-1',
    rule: sampleRule.name,
    severity: sampleRule.severity,
    labels: labelsOf('node-1'),
    status: 'firing',
    sinceMs: nowMs - SINCE_MINUTES * MINUTE,
    firedAtMs: nowMs - SINCE_MINUTES * MINUTE + sampleRule.forMs,
    reason: 'threshold',
    value: last,
  };
  const endMs = nowMs - CLEARED_MINUTES * MINUTE;
  const alert: IncidentAlert = resolved
    ? { ...firing, status: 'resolved', clearedAtMs: endMs, resolvedAtMs: endMs, firedReason: firing.reason }
    : firing;
  const incident: Incident = {
    id: `inc-test-${nowMs}`,
    route: 'test',
    channel,
    groupKey: 'test',
    groupLabels: { rule: sampleRule.name, cluster: 'test-cluster' },
    openedAtMs: nowMs,
    alerts: [alert],
    rules: { [sampleRule.name]: sampleRule },
    notified: resolved ? { [episodeOf(firing)]: 'firing' } : {},
    notifications: 0,
  };
  const reason = resolved ? 'all-resolved' : 'first';
  const notification = buildNotification({
    incident,
    attempt: beginAttempt(incident, { alerts: [alert], reason }, nowMs),
    reason,
    alerts: [alert],
    news: [episodeOf(alert)],
    current: new Map(last === undefined ? [] : [[episodeOf(alert), { value: last }]]),
    statuses: [],
    timeZone,
    nowMs,
  });
  const chart = buildChartSpec({
    alerts: notification.alerts,
    rule: sampleRule,
    series,
    fromMs: nowMs - CHART_MINUTES * MINUTE,
    toMs: nowMs,
    nowMs,
    timeZone,
    intervalMs: MINUTE,
    status: notification.status,
    theme,
  });
  return { notification, chart };
}

function labelsOf(node: string) {
  return { cluster: 'test-cluster', node, role: 'controlplane' };
}

/** The series behind it; the first is the alert's. */
export function sampleSeries(nowMs: number, resolved: boolean): Series[] {
  return ['node-1', 'node-2', 'node-3'].map((node, n) => {
    const points = Array.from({ length: CHART_MINUTES + 1 }, (_, i) => {
      const minutesAgo = CHART_MINUTES - i;
      const quiet = 64 - n * 6 + Math.sin(i / 3 + n);
      const value = n === 0 ? climbing(quiet, minutesAgo, resolved) : quiet;
      return { timeMs: nowMs - minutesAgo * MINUTE, value: Math.round(value * 10) / 10 };
    });
    return { metric: sampleRule.metric, labels: labelsOf(node), points };
  });
}

/** Climbs for twenty minutes, is over the threshold since then, and falls at the end when it is resolved. */
function climbing(quiet: number, minutesAgo: number, resolved: boolean): number {
  if (resolved && minutesAgo <= CLEARED_MINUTES) return quiet;
  const climbed = (SINCE_MINUTES - minutesAgo + 20) / 20;
  if (climbed <= 0) return quiet;
  const plateau =
    THRESHOLD + 1 + Math.min(3, (SINCE_MINUTES - minutesAgo) / 3) + Math.sin(minutesAgo / 2) / 2;
  return climbed < 1 ? quiet + (THRESHOLD - 0.5 - quiet) * climbed ** 1.5 : plateau;
}
