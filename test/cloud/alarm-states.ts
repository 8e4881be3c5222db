// Evaluates alarms as CloudWatch does, in virtual time: from the counts of functions to states and notifications of the
// topic.
import type { Resource } from '../stacks/synth.ts';
import type { Datum } from './faults.ts';

const MINUTE = 60_000;

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface StackAlarms {
  stackName: string;
  alarms: readonly Resource[];
  /** The rules of EventBridge, which may forward a change of state. */
  rules: readonly Resource[];
}

export interface AlarmHistory {
  /** `MINUTE STATE ID`, in order, without the first state of a new alarm. */
  changes: string[];
  /** The changes of state that notified the topic. */
  notified: string[];
  /** The state of each alarm at the end. */
  states: ReadonlyMap<string, AlarmState>;
}

/**
 * Evaluates each alarm every minute on the counts of functions, from the time when it was created.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 */
export function alarmHistory(
  stack: StackAlarms,
  { data, madeMs, toMs }: { data: readonly Datum[]; madeMs: number; toMs: number },
): AlarmHistory {
  const own = stack.alarms.filter(({ Properties }) => !String(Properties.Namespace).startsWith('AWS/'));
  const states = new Map<string, AlarmState>(own.map(({ id }) => [id, 'INSUFFICIENT_DATA']));
  const changes: string[] = [];
  const notified: string[] = [];
  for (let nowMs = madeMs + MINUTE; nowMs <= toMs; nowMs += MINUTE) {
    for (const alarm of own) {
      const before = states.get(alarm.id) ?? 'INSUFFICIENT_DATA';
      const state = stateOf(alarm, before, data, nowMs);
      if (state === before) continue;
      states.set(alarm.id, state);
      const line = `${(nowMs - madeMs) / MINUTE} ${state} ${alarm.id}`;
      changes.push(line);
      if (isNotified(stack, alarm, before, state)) notified.push(line);
    }
  }
  return { changes, notified, states };
}

function stateOf(
  { Properties }: Resource,
  before: AlarmState,
  data: readonly Datum[],
  nowMs: number,
): AlarmState {
  const {
    EvaluationPeriods: periods,
    DatapointsToAlarm: needed = periods,
    TreatMissingData: missing,
  } = Properties;
  const periodMs = Properties.Period * 1000;
  // Periods end now, not at multiples of their length: at the end of minute 6, a period of five minutes is minute 2 to
  // 6.
  const endMs = Math.floor(nowMs / MINUTE) * MINUTE;
  const points = Array.from({ length: periods }, (_, i) =>
    pointOf(Properties, data, endMs - (periods - i) * periodMs, periodMs),
  );
  const known = points.filter((value) => value !== undefined);
  if (known.length === 0) {
    if (missing === 'ignore') return before;
    if (missing === 'missing') return 'INSUFFICIENT_DATA';
  }
  const breaching = known.filter((value) => breaches(Properties, value)).length;
  const unknown = points.length - known.length;
  switch (missing) {
    case 'breaching':
      return breaching + unknown >= needed ? 'ALARM' : 'OK';
    case 'notBreaching':
      return breaching >= needed ? 'ALARM' : 'OK';
    default:
      // When fewer points than needed exist, the existing ones decide.
      return breaching >= Math.min(needed, known.length) ? 'ALARM' : 'OK';
  }
}

function pointOf(
  { MetricName, Dimensions, Statistic }: Resource['Properties'],
  data: readonly Datum[],
  fromMs: number,
  periodMs: number,
): number | undefined {
  const service = Dimensions.find(({ Name }: { Name: string }) => Name === 'service')?.Value;
  const values = data
    .filter((datum) => datum.name === MetricName && datum.service === service)
    .filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + periodMs)
    .map(({ value }) => value);
  if (values.length === 0) return undefined;
  if (Statistic === 'Sum') return values.reduce((a, b) => a + b, 0);
  if (Statistic === 'Maximum') return Math.max(...values);
  throw new Error(`no model of the statistic ${Statistic}`);
}

function breaches({ ComparisonOperator, Threshold }: Resource['Properties'], value: number): boolean {
  if (ComparisonOperator === 'GreaterThanThreshold') return value > Threshold;
  if (ComparisonOperator === 'LessThanThreshold') return value < Threshold;
  throw new Error(`no model of ${ComparisonOperator}`);
}

/**
 * CloudWatch runs the action of a state whenever that state begins, whatever the state was before; a rule may check
 * both.
 */
function isNotified(
  { stackName, rules }: StackAlarms,
  { id, Properties }: Resource,
  before: AlarmState,
  state: AlarmState,
) {
  const { AlarmActions = [], OKActions = [], InsufficientDataActions = [] } = Properties;
  const actions = { ALARM: AlarmActions, OK: OKActions, INSUFFICIENT_DATA: InsufficientDataActions }[state];
  const event = {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    detail: {
      alarmName: `${stackName}-${id}-1ABCDEF`,
      state: { value: state },
      previousState: { value: before },
    },
  };
  return actions.length > 0 || rules.some((rule) => matches(rule.Properties.EventPattern, event));
}

/**
 * Matches texts and prefixes, no other patterns:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
function matches(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) {
    return pattern.some((one: unknown) =>
      typeof one === 'string' ? one === value : String(value).startsWith((one as { prefix: string }).prefix),
    );
  }
  return Object.entries(pattern as object).every(([field, inner]) =>
    matches(inner, (value as Record<string, unknown> | undefined)?.[field]),
  );
}
