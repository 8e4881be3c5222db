import type { ChartSpec, ChartTheme } from '../chart/spec.ts';
import { buildChartSpec } from '../chart/spec.ts';
import type { Rule } from '../model.ts';
import { beginAttempt } from './attempt.ts';
import type { Incident, IncidentAlert, Notification } from './model.ts';
import { buildNotification } from './notification.ts';

const MINUTE = 60_000;
const CHART_MINUTES = 90;

const rule: Rule = {
  name: 'test-message',
  title: 'Test message, memory usage',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
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
  const firing: IncidentAlert = {
    alertId: 'test-message/node-1',
    rule: rule.name,
    severity: rule.severity,
    labels: labelsOf('node-1'),
    status: 'firing',
    sinceMs: nowMs - 25 * MINUTE,
    firedAtMs: nowMs - 15 * MINUTE,
    reason: 'threshold',
    value: 94.1,
  };
  const endMs = nowMs - MINUTE;
  const alert: IncidentAlert = resolved
    ? { ...firing, status: 'resolved', value: 61.4, clearedAtMs: endMs, resolvedAtMs: endMs }
    : firing;
  const incident: Incident = {
    id: `inc-test-${nowMs}`,
    route: 'test',
    channel,
    groupKey: 'test',
    groupLabels: { rule: rule.name, cluster: 'test-cluster' },
    openedAtMs: nowMs,
    alerts: [alert],
    rules: { [rule.name]: rule },
    notified: {},
    notifications: 0,
  };
  const notification = buildNotification({
    incident,
    attempt: beginAttempt(incident, { alerts: [alert], reason: 'first' }, nowMs),
    reason: 'first',
    alerts: [alert],
    statuses: [],
    timeZone,
    nowMs,
  });
  const chart = buildChartSpec({
    alerts: notification.alerts,
    rule,
    series: ['node-1', 'node-2', 'node-3'].map((node, n) => seriesOf(node, n, nowMs, resolved)),
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

/** The first climbs over the threshold, and falls at the end when it is resolved. */
function seriesOf(node: string, n: number, nowMs: number, resolved: boolean) {
  const points = Array.from({ length: CHART_MINUTES + 1 }, (_, i) => {
    const climbed = n === 0 && i > 40 ? Math.min(30, (i - 40) * 1.4) : 0;
    const fallen = n === 0 && resolved && i >= CHART_MINUTES - 1 ? -33 : 0;
    const value = 64 - n * 6 + climbed + fallen + Math.sin(i / 3 + n);
    return { timeMs: nowMs - (CHART_MINUTES - i) * MINUTE, value };
  });
  return { metric: rule.metric, labels: labelsOf(node), points };
}
