import { naturalOrder } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import { badness, compareBadness } from '../notify/badness.ts';

/** So many breaching series are drawn, the worst by value: each palette twice. */
export const MOST_BREACHING = 10;
/** Labels that bound what stands behind an alert's series. */
const NEIGHBOURHOODS = ['cluster', 'bastion'];

/** Names of the clusters (or bastions) that the alerts are of, in order. */
export function neighbourhoodsOf(alerts: readonly { labels: Labels }[]): { name: string; values: string[] } {
  for (const name of NEIGHBOURHOODS) {
    const values = valuesOf(alerts, name);
    if (values.length > 0) return { name, values };
  }
  return { name: 'cluster', values: [] };
}

/** What fires before what has ended, then the worst by value. */
export function worstFirst(alerts: readonly NotificationAlert[], { condition }: Rule): NotificationAlert[] {
  const firing = (alert: NotificationAlert) => Number(alert.status === 'firing');
  return [...alerts].sort(
    (a, b) =>
      firing(b) - firing(a) || compareBadness(badness(condition, a.value), badness(condition, b.value)),
  );
}

function valuesOf(alerts: readonly { labels: Labels }[], name: string): string[] {
  return [...new Set(alerts.flatMap(({ labels }) => labels[name] ?? []))].sort(naturalOrder.compare);
}
