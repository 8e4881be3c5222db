import { findMetric } from '../catalogue.ts';
import { formatCondition, formatMetricValue, formatSpan } from '../format.ts';
import type { Labels, Rule } from '../model.ts';
import type { IncidentAlert } from '../notify/model.ts';

/** Labels in the order people say them: where first, then what. */
const LABEL_ORDER = ['bastion', 'cluster', 'node', 'role', 'mount', 'device', 'check'];

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
  const fields = new Map(
    Object.entries({
      value: alert.value === undefined ? '–' : formatMetricValue(alert.value, metric),
      held: formatSpan(untilMs - alert.sinceMs),
      condition: formatCondition(rule.condition, unit),
      threshold: formatCondition(rule.condition, unit).replace(/^[<>=] /, ''),
      rule: rule.name,
      title: rule.title,
      metric: rule.metric,
      severity: rule.severity,
      ...alert.labels,
    }),
  );
  const ended = alert.value === undefined || unit === 'bool' ? ENDED : RESOLVED;
  const template = alert.status === 'firing' ? (rule.summary ?? FIRING) : ended;
  return oneLine(template.replace(/\{\{\s*([\w-]+)\s*\}\}/g, (_, name: string) => fields.get(name) ?? '–'));
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
  return text.replace(/\s+/gu, ' ').trim();
}
