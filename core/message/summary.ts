import { findMetric } from '../catalogue.ts';
import { formatCondition, formatMetricValue, formatSpan } from '../format.ts';
import type { Labels, Rule } from '../model.ts';
import type { IncidentAlert } from '../notify/model.ts';
import { visibleText } from '../visible-text.ts';

/** Labels in the order people say them: where first, then what. */
const LABEL_ORDER = ['bastion', 'cluster', 'node', 'role', 'mount', 'device', 'check'];

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
const RESOLVED = '{{title}}: now {{value}}, was {{condition}} for {{held}}';
/** Without a value (no data, removed), or of a state, where "now yes, was < 1" helps nobody. */
const ENDED = '{{title}}: over after {{held}}';

/**
 * One line of plain text about an alert: the rule's summary while it fires. A name that the alert lacks becomes `–`.
 */
export function renderSummary(rule: Rule, alert: IncidentAlert, nowMs: number): string {
  const metric = findMetric(rule.metric);
  const unit = metric?.unit ?? 'count';
  const untilMs = alert.clearedAtMs ?? alert.resolvedAtMs ?? nowMs;
  const own: Record<(typeof SUMMARY_FIELDS)[number], string> = {
    value: alert.value === undefined ? '–' : formatMetricValue(alert.value, metric),
    held: formatSpan(untilMs - alert.sinceMs),
    condition: formatCondition(rule.condition, unit),
    threshold: formatCondition(rule.condition, unit).replace(/^[<>=] /, ''),
    rule: rule.name,
    title: rule.title,
    metric: rule.metric,
    severity: rule.severity,
  };
  const fields = new Map(Object.entries({ ...own, ...alert.labels }));
  const ended = alert.value === undefined || unit === 'bool' ? ENDED : RESOLVED;
  const template = alert.status === 'firing' ? (rule.summary ?? FIRING) : ended;
  return oneLine(
    template.replace(PLACEHOLDER, (text, inner: string) => {
      const name = placeholderName(inner);
      return name === undefined ? text : (fields.get(name) ?? '–');
    }),
  );
}

/** The name between the braces; undefined for what is none, and stands in the text as it was written. */
export function placeholderName(inner: string): string | undefined {
  return NAME.exec(inner)?.[1];
}

/** `prod / prod-1 / /var`: the values of the labels, without the role. */
export function placeText(labels: Labels): string {
  const names = Object.keys(labels).filter((name) => name !== 'role' && name !== 'batch');
  const rank = (name: string) => {
    const index = LABEL_ORDER.indexOf(name);
    return index < 0 ? LABEL_ORDER.length : index;
  };
  names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return oneLine(names.map((name) => labels[name]).join(' / '));
}

function oneLine(text: string): string {
  return visibleText(text).replace(/\s+/gu, ' ').trim();
}
