import { judgedSeries } from '../evaluate/judged.ts';
import { labelKey } from '../labels.ts';
import type { LabelGlobs, Labels, Rule, Series } from '../model.ts';
import type { Notification, NotificationAlert } from '../notify/model.ts';
import type { SampleStore } from '../ports.ts';
import { chartSelection, compareBadness, MOST_BREACHING, neighbourhoodsOf } from './selection.ts';
import { buildChartSpec, type ChartSpec, type ChartTheme, MAX_LINES } from './spec.ts';
import { badness } from './worst.ts';

/** Everything a picture follows from but the samples: plain data, which can be handed to another thread. */
export interface PictureOrder {
  rule: Rule;
  /** The message's alerts of that rule, the worst first. */
  alerts: readonly NotificationAlert[];
  status: Notification['status'];
  fromMs: number;
  toMs: number;
  nowMs: number;
  timeZone: string;
  intervalMs: number;
  theme: ChartTheme;
}

/** What is drawn, and how many more series there are. */
export interface PictureSeries {
  series: readonly Series[];
  others: number;
}

/** Of breaching series that many are read where only a window tells which are the worst. */
const MOST_READ = 200;

/**
 * Reads the series of a picture: those of its alerts, and behind them others of the same cluster (or bastion) up to
 * as many as there are lines. Which there are is asked first, as one value each: a cluster may have thousands.
 */
export async function readPictureSeries(
  order: PictureOrder,
  store: Pick<SampleStore, 'query' | 'latest'>,
): Promise<PictureSeries> {
  const { rule, alerts, fromMs, toMs } = order;
  const { where } = chartSelection({ alerts }, rule);
  const range = { metric: rule.metric, fromMs: fromMs - (rule.window?.lastMs ?? 0), toMs };
  // An aggregate is made of all its series.
  if (rule.aggregate) return { series: await store.query({ ...range, where }), others: 0 };
  const found = await store.latest({ metric: rule.metric, where, sinceMs: fromMs });
  // A name may hold what a glob means something by.
  const known = found.filter(({ labels }) =>
    Object.entries(where).every(([name, values]) => [values].flat().includes(labels[name] ?? '')),
  );
  const chosen = chooseSeries(known, order);
  if (chosen.length === 0) return { series: [], others: 0 };
  const keys = new Set(chosen.map(labelKey));
  const read = await store.query({ ...range, where: coverOf(chosen) });
  return {
    series: read.filter(({ labels }) => keys.has(labelKey(labels))),
    others: known.length - chosen.length,
  };
}

/** The picture of what was read. Pure. */
export function pictureSpec(order: PictureOrder, { series, others }: PictureSeries): ChartSpec {
  const { rule, intervalMs, fromMs } = order;
  return buildChartSpec({ ...order, others, series: judgedSeries({ rule, series, intervalMs }, fromMs - 1) });
}

/** Those of alerts first, the worst by value; behind them the others by name, while all are of one cluster. */
function chooseSeries(known: readonly Series[], { alerts, rule }: PictureOrder): Labels[] {
  const alertOf = new Map(alerts.map((alert) => [labelKey(alert.labels), alert]));
  const ranked = known.map(({ labels, points }) => {
    const alert = alertOf.get(labelKey(labels));
    const rank = badness(rule.condition, points.at(-1)?.value ?? alert?.value);
    return { labels, alert, rank };
  });
  const firing = ({ alert }: (typeof ranked)[number]) => Number(alert?.status === 'firing');
  const breaching = ranked
    .filter(({ alert }) => alert)
    .sort((a, b) => firing(b) - firing(a) || compareBadness(a.rank, b.rank) || byName(a.labels, b.labels))
    .slice(0, rule.window ? MOST_READ : MOST_BREACHING)
    .map(({ labels }) => labels);
  if (neighbourhoodsOf(alerts).values.length > 1) return breaching;
  const others = ranked.filter(({ alert }) => !alert).map(({ labels }) => labels);
  return [...breaching, ...others.sort(byName).slice(0, Math.max(0, MAX_LINES - breaching.length))];
}

/** `node-2` before `node-10`. */
const collator = new Intl.Collator('en', { numeric: true });
const byName = (a: Labels, b: Labels) => collator.compare(labelKey(a), labelKey(b));

/** Of each label that all have the values that occur: it may match more than these label sets. */
function coverOf(all: readonly Labels[]): LabelGlobs {
  const names = Object.keys(all[0] ?? {}).filter((name) => all.every((labels) => labels[name] !== undefined));
  return Object.fromEntries(
    names.map((name) => [name, [...new Set(all.map((labels) => labels[name] as string))]]),
  );
}
