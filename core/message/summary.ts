import { findMetric, type Unit } from '../catalogue.ts';
import { formatCondition, formatMetricValue, formatMoment, formatSpan } from '../format.ts';
import type { Labels, Rule, TransitionReason } from '../model.ts';
import type { NotificationAlert } from '../notify/model.ts';
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

const FIRING = '{{title}}: {{value}} ({{condition}}) for {{held}}';
/** What a rule says of a value that breaches would be wrong of one that no longer does. */
const RESOLVED = '{{title}}: ended at {{value}}, was {{condition}} for {{held}}';
/** Without a value, or of a state, where "ended at yes, was < 1" helps nobody. */
const ENDED = '{{title}}: over after {{held}}';
/** It ended by a value; else the last one that is known still breaches. */
const BY_VALUE: ReadonlySet<TransitionReason> = new Set(['threshold', 'revised']);

/** What texts of an alert are made from. */
export type SummaryAlert = Pick<
  NotificationAlert,
  'status' | 'labels' | 'sinceMs' | 'clearedAtMs' | 'resolvedAtMs' | 'reason' | 'value' | 'valueAtMs'
>;

export interface TextTime {
  nowMs: number;
  timeZone: string;
}

/**
 * One line of plain text about an alert: the rule's summary while it fires. A name that the alert lacks becomes `–`.
 */
export function renderSummary(rule: Rule, alert: SummaryAlert, time: TextTime): string {
  const unit = findMetric(rule.metric)?.unit ?? 'count';
  const own: Record<(typeof SUMMARY_FIELDS)[number], string> = {
    value: valueText(rule.metric, alert, time),
    held: formatSpan(heldMs(alert, time.nowMs)),
    condition: formatCondition(rule.condition, unit),
    threshold: formatCondition(rule.condition, unit).replace(/^[<>=] /, ''),
    rule: rule.name,
    title: rule.title,
    metric: rule.metric,
    severity: rule.severity,
  };
  const fields = new Map(Object.entries({ ...own, ...alert.labels }));
  const template = alert.status === 'firing' ? (rule.summary ?? FIRING) : endTemplate(alert, unit);
  return visibleLine(
    template.replace(PLACEHOLDER, (text, inner: string) => {
      const name = placeholderName(inner);
      return name === undefined ? text : (fields.get(name) ?? '–');
    }),
  );
}

/** How long the condition was breached: from the first such sample to the first that was good again, else to the end. */
export function heldMs(
  { sinceMs, clearedAtMs, resolvedAtMs }: Pick<SummaryAlert, 'sinceMs' | 'clearedAtMs' | 'resolvedAtMs'>,
  nowMs: number,
): number {
  return (clearedAtMs ?? resolvedAtMs ?? nowMs) - sinceMs;
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

/** Whether the end of an alert is told by its value. */
export function endsByValue({ reason, value }: Pick<SummaryAlert, 'reason' | 'value'>, unit: Unit): boolean {
  return value !== undefined && unit !== 'bool' && BY_VALUE.has(reason);
}

function endTemplate(alert: SummaryAlert, unit: Unit): string {
  return endsByValue(alert, unit) ? RESOLVED : ENDED;
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
