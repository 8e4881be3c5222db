// `/api/v1/rules` and `/api/v1/alerts`: our rules and alerts in the form of Prometheus.

import { selectorOf } from '../../adapters/stores/prometheus/names.ts';
import type { Alert } from '../../core/model/alert.ts';
import type { Condition, Rule } from '../../core/model/rule.ts';
import { QueryError } from '../../core/promql/source.ts';
import { seriesNameOf } from '../../core/series-names.ts';
import { quoted } from '../../core/text/suggestions.ts';
import type { HistoryPorts } from '../ports.ts';
import { formatValue } from './numbers.ts';

const GROUP = 'bartizan';
/** Prometheus' own word for a time that it does not know. */
const NO_TIME = '0001-01-01T00:00:00Z';

type Ports = Pick<HistoryPorts, 'state' | 'config'>;

/** Filters as in Prometheus: `type`, `rule_name[]`, `rule_group[]`, `exclude_alerts`. */
export async function listRules({ state, config }: Ports, parameters: URLSearchParams): Promise<unknown> {
  const { rules, checks } = await config();
  const names = new Set(parameters.getAll('rule_name[]'));
  const groups = new Set(parameters.getAll('rule_group[]'));
  const type = parameters.get('type') ?? '';
  if (!['', 'alert', 'record'].includes(type))
    throw new QueryError(
      'bad_data',
      `invalid parameter "type": ${quoted(type)}: write \`alert\` or \`record\``,
    );
  const isEmpty = type === 'record' || (groups.size > 0 && !groups.has(GROUP));
  const wanted = isEmpty ? [] : rules.filter(({ name }) => names.size === 0 || names.has(name));
  if (wanted.length === 0) return { groups: [] };
  const ofRules = Map.groupBy(await currentAlerts({ state }), ({ rule }) => rule);
  const withAlerts = parameters.get('exclude_alerts') !== 'true';
  return {
    groups: [
      {
        name: GROUP,
        file: '',
        interval: Math.min(...checks.map(({ everyMs }) => everyMs), 3_600_000) / 1000,
        limit: 0,
        rules: wanted.map((rule) => shownRule(rule, ofRules.get(rule.name) ?? [], withAlerts)),
        evaluationTime: 0,
        lastEvaluation: NO_TIME,
      },
    ],
  };
}

export async function listAlerts({ state, config }: Ports): Promise<unknown> {
  const { rules } = await config();
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  const alerts = await currentAlerts({ state });
  return { alerts: alerts.map((alert) => shownAlert(alert, byName.get(alert.rule))) };
}

async function currentAlerts({ state }: Pick<Ports, 'state'>): Promise<Alert[]> {
  return (await state.listAlerts()).map(({ value }) => value).filter(({ status }) => status !== 'ok');
}

function shownRule(rule: Rule, alerts: readonly Alert[], withAlerts: boolean) {
  const state = alerts.some(({ status }) => status === 'firing')
    ? 'firing'
    : alerts.length > 0
      ? 'pending'
      : 'inactive';
  return {
    state,
    name: rule.name,
    query: expressionOf(rule),
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    labels: { severity: rule.severity },
    annotations: annotationsOf(rule),
    alerts: withAlerts ? alerts.map((alert) => shownAlert(alert, rule)) : [],
    health: 'unknown',
    evaluationTime: 0,
    lastEvaluation: NO_TIME,
    type: 'alerting',
  };
}

function shownAlert({ rule: name, labels, status, sinceMs, value }: Alert, rule: Rule | undefined) {
  return {
    labels: { ...labels, alertname: name, ...(rule && { severity: rule.severity }) },
    annotations: rule ? annotationsOf(rule) : {},
    state: status,
    activeAt: new Date(sinceMs).toISOString(),
    value: value === undefined ? 'NaN' : value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2'),
  };
}

function annotationsOf({ title, summary, runbook }: Rule): Record<string, string> {
  return {
    title,
    ...(summary !== undefined && { summary }),
    ...(runbook !== undefined && { runbook_url: runbook }),
  };
}

const REDUCERS: Record<NonNullable<Rule['window']>['reduce'], (range: string, aheadS: number) => string> = {
  avg: (range) => `avg_over_time(${range})`,
  max: (range) => `max_over_time(${range})`,
  min: (range) => `min_over_time(${range})`,
  p95: (range) => `quantile_over_time(0.95, ${range})`,
  rate: (range) => `rate(${range})`,
  delta: (range) => `delta(${range})`,
  forecast: (range, aheadS) => `predict_linear(${range}, ${aheadS})`,
};

/** About what the rule compares, in PromQL, for people to read. The rule itself is evaluated by its own engine: see docs/rules.md. */
function expressionOf(rule: Rule): string {
  const { window, aggregate } = rule;
  const series = (metric: string) => {
    const selector = selectorOf(seriesNameOf(metric) ?? metric, rule).replace('{}', '');
    if (!window) return selector;
    return REDUCERS[window.reduce](`${selector}[${window.lastMs / 1000}s]`, (window.aheadMs ?? 0) / 1000);
  };
  const compared =
    rule.over === undefined ? series(rule.metric) : `${series(rule.metric)} / ${series(rule.over)}`;
  if (!aggregate) return withCondition(compared, rule.condition);
  const by = ` by (${aggregate.by.join(', ')}) (${compared})`;
  const grouped = aggregate.op === 'spread' ? `max${by} - min${by}` : `${aggregate.op}${by}`;
  return withCondition(grouped, rule.condition);
}

function withCondition(expression: string, condition: Condition): string {
  switch (condition.kind) {
    case 'above':
      return `${expression} > ${formatValue(condition.threshold)}`;
    case 'below':
      return `${expression} < ${formatValue(condition.threshold)}`;
    case 'equals':
      return `${expression} == ${formatValue(condition.value)}`;
    case 'outside':
      return `${expression} < ${formatValue(condition.low)} or ${expression} > ${formatValue(condition.high)}`;
  }
}
