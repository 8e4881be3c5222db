import { formatDuration } from '../duration.ts';
import { formatCondition, formatElapsed, formatMetricValue, formatPast } from '../format.ts';
import { aheadOf, conditionOf, type Measure, measureOf } from '../measure.ts';
import type { Labels } from '../model/labels.ts';
import type { NotificationAlert } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import { visibleLine } from '../text/visible-line.ts';
import { FORECASTS, type PhaseAlert, phaseOf, SENTENCES } from './sentences.ts';

/** Labels that locate an alert, from the outside inwards; their names are left out. */
const WHERE = ['bastion', 'cluster', 'node'];
/** Other labels, in the usual order of speech. */
const WHAT = ['mount', 'device', 'check'];
/** Labels without meaning for a reader. */
const LEFT_OUT = new Set(['role', 'batch']);

/** Names that every alert's texts may hold beside its labels. */
export const SUMMARY_FIELDS = [
  'value',
  'held',
  'condition',
  'threshold',
  'window',
  'ahead',
  'rule',
  'title',
  'metric',
  'severity',
] as const;

/** What stands in double braces, well written or not. */
export const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
const NAME = /^\s*([\w-]+)\s*$/;

/** What texts of an alert are made from. */
export type SummaryAlert = PhaseAlert &
  Pick<
    NotificationAlert,
    'labels' | 'inventoryLabels' | 'sinceMs' | 'resolvedAtMs' | 'valueAtMs' | 'noDataSinceMs'
  >;

export interface TextTime {
  nowMs: number;
  timeZone: string;
}

/**
 * One line of plain text about an alert: the rule's summary while its value breaches, else a sentence of ours, since what a
 * rule says of a breach would be wrong. A name that the alert lacks becomes `–`.
 */
export function renderSummary(rule: Rule, alert: SummaryAlert, time: TextTime): string {
  if (rule.summary === undefined || phaseOf(rule, alert) !== 'breaching')
    return plainSummary(rule, alert, time);
  const { since: _since, cleared: _cleared, ...own } = fieldsOf(rule, alert, time);
  return fill(rule.summary, new Map(Object.entries({ ...alert.inventoryLabels, ...own, ...alert.labels })));
}

/** The same in our words, whatever summary the rule has. */
export function plainSummary(rule: Rule, alert: SummaryAlert, time: TextTime): string {
  const fields = new Map(Object.entries(fieldsOf(rule, alert, time)));
  const phase = phaseOf(rule, alert);
  const { value, state } = SENTENCES[phase];
  if (aheadOf(rule) !== undefined) return fill(FORECASTS[phase] ?? value, fields);
  return fill(measureOf(rule).unit === 'bool' ? state : value, fields);
}

type Fields = Record<(typeof SUMMARY_FIELDS)[number] | 'since' | 'cleared', string>;

function fieldsOf(rule: Rule, alert: SummaryAlert, time: TextTime): Fields {
  const measure = measureOf(rule);
  const bounds = formatCondition(rule.condition, measure.unit);
  const at = (ms: number | undefined) => (ms === undefined ? '–' : formatPast(ms, time.nowMs, time.timeZone));
  return {
    value: valueText(measure, alert, time),
    held: formatElapsed(alert.sinceMs, heldToMs(alert, time.nowMs), time.nowMs),
    condition: conditionOf(rule),
    threshold: bounds.replace(/^[<>=] /, ''),
    window: rule.window === undefined ? '–' : formatDuration(rule.window.lastMs),
    ahead: aheadOf(rule) ?? '–',
    rule: rule.name,
    title: rule.title,
    metric: measure.name,
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

/** How long the condition was breached: to the first sample that was good again, to the end, or to the last that is known. */
function heldToMs(
  {
    sinceMs,
    clearedAtMs,
    resolvedAtMs,
    valueAtMs,
    noDataSinceMs,
  }: Pick<SummaryAlert, 'sinceMs' | 'clearedAtMs' | 'resolvedAtMs' | 'valueAtMs' | 'noDataSinceMs'>,
  nowMs: number,
): number {
  const endMs = clearedAtMs ?? resolvedAtMs;
  // The newest value of a breach that goes on may be older than the breach.
  return endMs ?? Math.max(valueAtMs ?? noDataSinceMs ?? nowMs, sinceMs);
}

/** `94.1%`, or `94.1% at 18:10` where that is no longer current; `–` without a value. */
export function valueText(
  measure: Measure,
  { value, valueAtMs }: Pick<SummaryAlert, 'value' | 'valueAtMs'>,
  { nowMs, timeZone }: TextTime,
): string {
  if (value === undefined) return '–';
  const shown = formatMetricValue(value, measure);
  return valueAtMs === undefined ? shown : `${shown} at ${formatPast(valueAtMs, nowMs, timeZone)}`;
}

/** The name between the braces; undefined for what is none, and stands in the text as it was written. */
export function placeholderName(inner: string): string | undefined {
  return NAME.exec(inner)?.[1];
}

/** `prod / prod-1, mount /var`: where, then what else tells it from others, by name. */
export function labelsText(labels: Labels): string {
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
