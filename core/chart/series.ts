import { reducedEveryMs } from '../evaluate/forecast-step.ts';
import { lookBackMs } from '../evaluate/range.ts';
import { deriveSeries } from '../evaluate/rule-series.ts';
import { createIntervals, ruleIntervals } from '../intervals.ts';
import { labelKey, naturalOrder } from '../labels.ts';
import type { ChartTheme } from '../model/chart-theme.ts';
import type { Check } from '../model/check.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Notification, NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import type { SampleStore } from '../ports.ts';
import { queryRule } from '../rule-query.ts';
import { neighbourhoodsOf, worstFirst } from './selection.ts';
import { buildChartSpec, type ChartSpec, MAX_LINES } from './spec.ts';

/** Everything that decides a picture except the samples: plain data, which can be passed to another thread. */
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
  /** Where series have several intervals: the checks that they follow from. */
  checks?: readonly Check[];
  theme: ChartTheme;
}

/** What is drawn, and how many more series there are. */
export interface PictureSeries {
  series: readonly Series[];
  others: number;
}

/** So many breaching series are read, of which the worst are drawn. */
const MOST_BREACHING = 200;

/**
 * Reads the series of a picture: those of its alerts, and behind those of one cluster (or bastion) others of it up to as
 * many as there are lines. Which there are is asked first, as one value each: a cluster may have thousands.
 */
export async function readPictureSeries(
  order: PictureOrder,
  store: Pick<SampleStore, 'query' | 'latest'>,
): Promise<PictureSeries> {
  const { rule, alerts, fromMs, toMs } = order;
  const near = neighbourhood(alerts);
  const selection = {
    where: { ...(rule.aggregate ? rule.where : {}), ...near },
    whereNot: rule.whereNot,
  };
  const range = { fromMs: fromMs - lookBackMs(rule, intervalsIn(order)), toMs };
  // An aggregate is made of all its series.
  if (rule.aggregate) return { series: await queryRule(store, rule, { ...range, ...selection }), others: 0 };
  const known = (await store.latest({ metric: rule.metric, ...selection, sinceMs: fromMs }))
    .map(({ labels }) => labels)
    // A name may hold what a glob means something by.
    .filter((labels) => Object.entries(near).every(([name, values]) => values.includes(labels[name] ?? '')));
  const chosen = chooseSeries(known, order);
  if (chosen.length === 0) return { series: [], others: 0 };
  const keys = new Set(chosen.map(labelKey));
  const found = await queryRule(store, rule, { ...range, where: coverOf(chosen) });
  return {
    series: found.filter(({ metric, labels }) => metric !== rule.metric || keys.has(labelKey(labels))),
    others: known.length - chosen.length,
  };
}

/** The picture of what was read. Pure. */
export function pictureSpec(order: PictureOrder, { series, others }: PictureSeries): ChartSpec {
  const { rule, fromMs } = order;
  const intervalMs = reducedEveryMs(rule, order.intervalMs);
  const derived = deriveSeries({ rule, series, ...intervalsIn(order) }, fromMs - 1);
  return buildChartSpec({ ...order, intervalMs, others, series: derived });
}

function intervalsIn({ rule, alerts, checks, intervalMs }: PictureOrder): ReturnType<typeof ruleIntervals> {
  return checks ? { ...ruleIntervals(createIntervals(checks), rule, alerts), intervalMs } : { intervalMs };
}

/** The clusters, or bastions, of the alerts. */
function neighbourhood(alerts: readonly NotificationAlert[]): LabelGlobs {
  const { name, values } = neighbourhoodsOf(alerts);
  return values.length > 0 ? { [name]: values } : {};
}

/** Those of alerts first, the worst of these, then the others by name: of several clusters none of these is drawn. */
function chooseSeries(known: readonly Labels[], { alerts, rule }: PictureOrder): Labels[] {
  const byKey = new Map(known.map((labels) => [labelKey(labels), labels]));
  const breaching = worstFirst(alerts, rule)
    .map(({ labels }) => byKey.get(labelKey(labels)))
    .filter((labels) => labels !== undefined)
    .slice(0, MOST_BREACHING);
  if (neighbourhoodsOf(alerts).values.length > 1) return breaching;
  const keys = new Set(breaching.map(labelKey));
  const others = known.filter((labels) => !keys.has(labelKey(labels))).sort(byName);
  return [...breaching, ...others.slice(0, Math.max(0, MAX_LINES - breaching.length))];
}

const byName = (a: Labels, b: Labels) => naturalOrder.compare(labelKey(a), labelKey(b));

/** The values of each label that all have: these globs may match more than these label sets. */
function coverOf(all: readonly Labels[]): LabelGlobs {
  const names = Object.keys(all[0] ?? {}).filter((name) => all.every((labels) => labels[name] !== undefined));
  return Object.fromEntries(
    names.map((name) => [name, [...new Set(all.map((labels) => labels[name] as string))]]),
  );
}
