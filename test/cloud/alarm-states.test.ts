import { expect, it } from 'vitest';
import type { Resource } from '../stacks/synth.ts';
import { alarmHistory } from './alarm-states.ts';

const MINUTE = 60_000;
const TOPIC = ['topic'];

function alarm(properties: object): Resource {
  return {
    id: 'A',
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      Namespace: 'Bartizan',
      MetricName: 'm',
      Dimensions: [{ Name: 'service', Value: 'plan' }],
      Statistic: 'Maximum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      AlarmActions: TOPIC,
      ...properties,
    },
  };
}

const recoveries = (previous: string): Resource => ({
  id: 'R',
  Type: 'AWS::Events::Rule',
  Properties: {
    EventPattern: {
      source: ['aws.cloudwatch'],
      detail: {
        alarmName: [{ prefix: 'S-' }],
        state: { value: ['OK'] },
        previousState: { value: [previous] },
      },
    },
  },
});

/** The values of one minute each; `_` means that there is none. */
function history(properties: object, values: string, rules: Resource[] = []) {
  const points = values.split(' ');
  const data = points.flatMap((text, minute) =>
    text === '_' ? [] : [{ atMs: minute * MINUTE, service: 'plan' as const, name: 'm', value: Number(text) }],
  );
  const times = { madeMs: 0, toMs: points.length * MINUTE };
  return alarmHistory({ stackName: 'S', alarms: [alarm(properties)], rules }, { data, ...times });
}

it.each<[missing: string, values: string, changes: string[]]>([
  ['breaching', '_ _ 0', ['1 ALARM A', '3 OK A']],
  ['notBreaching', '_ 1 _', ['1 OK A', '2 ALARM A', '3 OK A']],
  ['ignore', '_ 0 _ 1 _ _ 0', ['2 OK A', '4 ALARM A', '7 OK A']],
  ['missing', '_ 0 _ 1 _', ['2 OK A', '3 INSUFFICIENT_DATA A', '4 ALARM A', '5 INSUFFICIENT_DATA A']],
])('missing data counts as the setting %s says', (TreatMissingData, values, changes) => {
  expect(history({ TreatMissingData }, values).changes).toEqual(changes);
});

it('an alarm can need several periods in a row, a longer period, or the sum of counts', () => {
  const inARow = { TreatMissingData: 'notBreaching', EvaluationPeriods: 3 };
  expect(history(inARow, '1 1 0 1 1 1 _').changes).toEqual(['1 OK A', '6 ALARM A', '7 OK A']);
  const summed = { TreatMissingData: 'notBreaching', Period: 120, Statistic: 'Sum', Threshold: 2 };
  expect(history(summed, '2 1 1 1').changes).toEqual(['1 OK A', '2 ALARM A', '3 OK A']);
});

it('an action runs whatever the state was before; a rule of EventBridge can also check the former state', () => {
  const well = { TreatMissingData: 'notBreaching', OKActions: TOPIC };
  expect(history(well, '0 1 0').notified).toEqual(['1 OK A', '2 ALARM A', '3 OK A']);
  const ruled = { TreatMissingData: 'notBreaching' };
  expect(history(ruled, '0 1 0').notified).toEqual(['2 ALARM A']);
  expect(history(ruled, '0 1 0', [recoveries('ALARM')]).notified).toEqual(['2 ALARM A', '3 OK A']);
  const silent = { TreatMissingData: 'missing', InsufficientDataActions: TOPIC };
  expect(history(silent, '_ 0 _').notified).toEqual(['3 INSUFFICIENT_DATA A']);
});
