import { findMetric } from '../catalogue.ts';
import { formatCondition, formatMetricValue, formatMoment, formatSpan } from '../format.ts';
import type { Labels, Rule } from '../model.ts';
import type { NotificationAlert } from '../notify/model.ts';
import { SENTENCES, type StandingAlert, standingOf } from './sentences.ts';
import { visibleLine } from './visible-line.ts';

/** Labels that say where, from the outside inwards; their names go without saying. */
const WHERE = ['bastion', 'cluster', 'node'];
/** The others in the order people say them. */
const WHAT = ['mount', 'device', 'check'];
/** Labels that tell a reader nothing. */
const LEFT_OUT = new Set(['role', 'batch']);

/** Names that every alert's texts may hold beside its labels. */
export const SUMMARY_FIELDS = [
  'value',
  'held',
  'condition',
  'threshold',
  'rule',
  'title',
  'metric',
  'severity',
] as const;

/** What stands in double braces, well written or not. */
export const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
const NAME = /^\s*([\w-]+)\s*$/;

/** What texts of an alert are made from. */
export type SummaryAlert = StandingAlert &
  Pick<NotificationAlert, 'labels' | 'sinceMs' | 'resolvedAtMs' | 'valueAtMs' | 'noDataSinceMs'>;

export interface TextTime {
  nowMs: number;
  timeZone: string;
}

/**
 * One line of plain text about an alert: the rule's summary while its value breaches, else a sentence of ours, since what a
 * rule says of a breach would be wrong. A name that the alert lacks becomes `–`.
 */
export function renderSummary(rule: Rule, alert: SummaryAlert, time: TextTime): string {
  if (rule.summary === undefined || standingOf(rule, alert) !== 'breaching')
    return plainSummary(rule, alert, time);
  const { since: _since, cleared: _cleared, ...own } = fieldsOf(rule, alert, time);
  return fill(rule.summary, new Map(Object.entries({ ...own, ...alert.labels })));
}

/** The same in our words, whatever summary the rule has. */
export function plainSummary(rule: Rule, alert: SummaryAlert, time: TextTime): string {
  const fields = new Map(Object.entries(fieldsOf(rule, alert, time)));
  const { value, state } = SENTENCES[standingOf(rule, alert)];
  return fill(findMetric(rule.metric)?.unit === 'bool' ? state : value, fields);
}

type Fields = Record<(typeof SUMMARY_FIELDS)[number] | 'since' | 'cleared', string>;

function fieldsOf(rule: Rule, alert: SummaryAlert, time: TextTime): Fields {
  const condition = formatCondition(rule.condition, findMetric(rule.metric)?.unit ?? 'count');
  const at = (ms: number | undefined) =>
    ms === undefined ? '–' : formatMoment(ms, time.nowMs, time.timeZone);
  return {
    value: valueText(rule.metric, alert, time),
    held: formatSpan(heldMs(alert, time.nowMs)),
    condition,
    threshold: condition.replace(/^[<>=] /, ''),
    rule: rule.name,
    title: rule.title,
    metric: rule.metric,
    severity: rule.severity,
    since: at(alert.sinceMs),
    cleared: at(alert.clearedAtMs),
  };
}

function fill(template: string, fields: ReadonlyMap<string, string>): string {
  return visibleLine(
    template.replace(PLACEHOLDER, (text, inner: string) => {
      const name = placeholderName(inner);
      return name === undefined ? text : (fields.get(name) ?? '–');
    }),
  );
}

/**
 * How long the condition was breached: from the first such sample to the first that was good again, to the end, or to the
 * last that is known.
 */
export function heldMs(
  {
    sinceMs,
    clearedAtMs,
    resolvedAtMs,
    valueAtMs,
    noDataSinceMs,
  }: Pick<SummaryAlert, 'sinceMs' | 'clearedAtMs' | 'resolvedAtMs' | 'valueAtMs' | 'noDataSinceMs'>,
  nowMs: number,
): number {
  return Math.max(0, (clearedAtMs ?? resolvedAtMs ?? valueAtMs ?? noDataSinceMs ?? nowMs) - sinceMs);
}

/** `94.1%`, or `94.1% at 18:10` where that is no longer current; `–` without a value. */
export function valueText(
  metric: string,
  { value, valueAtMs }: Pick<SummaryAlert, 'value' | 'valueAtMs'>,
  { nowMs, timeZone }: TextTime,
): string {
  if (value === undefined) return '–';
  const shown = formatMetricValue(value, findMetric(metric));
  return valueAtMs === undefined ? shown : `${shown} at ${formatMoment(valueAtMs, nowMs, timeZone)}`;
}

/** The name between the braces; undefined for what is none, and stands in the text as it was written. */
export function placeholderName(inner: string): string | undefined {
  return NAME.exec(inner)?.[1];
}

/** `prod / prod-1, mount /var`: where, then what else tells it from others, by name. */
export function placeText(labels: Labels): string {
  const where = WHERE.flatMap((name) => labels[name] ?? []).map(quoted);
  const rank = (name: string) => {
    const index = WHAT.indexOf(name);
    return index < 0 ? WHAT.length : index;
  };
  const what = Object.keys(labels)
    .filter((name) => !WHERE.includes(name) && !LEFT_OUT.has(name))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((name) => `${visibleLine(name)} ${quoted(labels[name] ?? '')}`);
  return [...(where.length > 0 ? [where.join(' / ')] : []), ...what].join(', ');
}

/** A value that could be read as several, or as none, stands in quotes. */
function quoted(value: string): string {
  const line = visibleLine(value);
  return line === '' || / \/ |, |^"/.test(line) ? `"${line}"` : line;
}
