import { allLabels } from '../../../core/labels.ts';
import type { Notification, NotificationAlert } from '../../../core/model/notification.ts';

/** postableAlert of https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml */
export interface PostedAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL?: string;
}

/** All alerts of a message: those that ended with their end, the others with one that the next message moves ahead. */
export function render(
  { alerts, atMs, links }: Pick<Notification, 'alerts' | 'atMs' | 'links'>,
  { endsAfter }: { endsAfter: number },
): PostedAlert[] {
  return alerts.map((alert) => ({
    labels: labelsOf(alert),
    annotations: annotationsOf(alert),
    startsAt: isoTime(alert.firedAtMs),
    endsAt: isoTime(endOf(alert, atMs, endsAfter)),
    ...(links.history !== undefined && { generatorURL: links.history }),
  }));
}

function endOf({ status, firedAtMs, resolvedAtMs = Infinity }: NotificationAlert, atMs: number, ms: number) {
  if (status === 'firing') return atMs + ms;
  // Alertmanager refuses an alert that ends before it starts, and takes one that ends in its future for firing.
  return Math.max(firedAtMs, Math.min(resolvedAtMs, atMs));
}

/** Its identity there: the same in every message about a firing. */
function labelsOf({ labels, inventoryLabels, rule, severity }: NotificationAlert): Record<string, string> {
  const all = { ...allLabels({ labels, inventoryLabels }), alertname: rule, severity };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, wellFormed(value)]));
}

function annotationsOf({ title, summary, detail, runbook }: NotificationAlert): Record<string, string> {
  const texts = {
    title,
    summary,
    ...(detail !== undefined && { description: detail }),
    ...(runbook !== undefined && { runbook_url: runbook }),
  };
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, wellFormed(text)]));
}

/** Half a letter is no JSON to Go. */
function wellFormed(text = ''): string {
  return text.toWellFormed();
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
