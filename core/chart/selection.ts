import type { LabelGlobs, Labels, Rule } from '../model.ts';
import type { Notification, NotificationAlert } from '../notify/model.ts';
import { badness } from './worst.ts';

/** Of the series that breach so many are drawn, the worst by value: each palette twice. */
export const MOST_BREACHING = 10;
/** Labels that bound what stands behind an alert's series. */
const NEIGHBOURHOODS = ['cluster', 'bastion'];

export interface ChartSelection {
  /** All of the rule, in the order of the message. */
  alerts: readonly NotificationAlert[];
  /** Which series are read. Values are matched literally, as names hold no `*` or `?` that matter. */
  where: LabelGlobs;
}

/**
 * Which series a picture needs: those of the alerts and, while they are of one cluster (or bastion), the others of that
 * one behind them, whatever the rule selects; a group is of what the rule selects. Of several clusters only series that
 * breach are drawn, no more of them than there are lines.
 */
export function chartSelection(notification: Pick<Notification, 'alerts'>, rule: Rule): ChartSelection {
  const alerts = notification.alerts.filter((alert) => alert.rule === rule.name);
  const own = rule.aggregate ? rule.where : {};
  const name = NEIGHBOURHOODS.find((label) => alerts.some(({ labels }) => labels[label] !== undefined));
  if (name === undefined) return { alerts, where: own };
  const places = valuesOf(alerts, name);
  if (places.length === 1) return { alerts, where: { ...own, [name]: places } };
  const drawn = worstOf(alerts, rule);
  const nodes = valuesOf(drawn, 'node');
  const byNode = nodes.length > 0 && drawn.every(({ labels }) => labels.node !== undefined);
  return { alerts, where: { ...own, [name]: valuesOf(drawn, name), ...(byNode && { node: nodes }) } };
}

/** Names of the clusters (or bastions) that the alerts are of, in order. */
export function neighbourhoodsOf(alerts: readonly { labels: Labels }[]): { name: string; values: string[] } {
  for (const name of NEIGHBOURHOODS) {
    const values = valuesOf(alerts, name);
    if (values.length > 0) return { name, values };
  }
  return { name: 'cluster', values: [] };
}

function worstOf(alerts: readonly NotificationAlert[], { condition }: Rule): NotificationAlert[] {
  const firing = (alert: NotificationAlert) => Number(alert.status === 'firing');
  return [...alerts]
    .sort(
      (a, b) =>
        firing(b) - firing(a) || compareBadness(badness(condition, a.value), badness(condition, b.value)),
    )
    .slice(0, MOST_BREACHING);
}

/** The worse first; two without a value are alike. */
export function compareBadness(a: number, b: number): number {
  return a === b ? 0 : b - a;
}

function valuesOf(alerts: readonly { labels: Labels }[], name: string): string[] {
  return [...new Set(alerts.flatMap(({ labels }) => labels[name] ?? []))].sort(names.compare);
}

/** `node-2` before `node-10`. */
const names = new Intl.Collator('en', { numeric: true });
