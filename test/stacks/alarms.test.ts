import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resources, synthExample } from './synth.ts';

const templates = synthExample();
const alarms = resources(templates, 'AWS::CloudWatch::Alarm');
const queues = resources(templates, 'AWS::SQS::Queue');
const runbook = readFileSync('docs/runbook.md', 'utf8');

/** The sections of the runbook, each with its headings. */
function sections(): [string, string[]][] {
  return runbook
    .split(/^## /m)
    .slice(1)
    .map((text) => [
      text.split('\n')[0] ?? '',
      [...text.matchAll(/^### (.+)$/gm)].map((match) => match[1] ?? ''),
    ]);
}

/** The id of the queue that an alarm measures, or undefined. */
function queueOf(alarm: (typeof alarms)[number]): string | undefined {
  return alarm.Properties.Dimensions?.find(({ Name }: { Name: string }) => Name === 'QueueName')?.Value[
    'Fn::GetAtt'
  ][0];
}

describe('alarms on AWS', () => {
  it('every alarm has a section of the runbook, and every section an alarm', () => {
    const linked = alarms.map(
      ({ Properties }) => /docs\/runbook\.md#([\w-]+)$/.exec(Properties.AlarmDescription)?.[1],
    );
    expect([...new Set(linked)].sort()).toEqual(
      sections()
        .map(([name]) => name)
        .sort(),
    );
    for (const [name, headings] of sections()) {
      expect([name, headings]).toEqual([name, ['Description', 'Investigation', 'Resolution']]);
    }
  });

  it('every link inside the runbook has its section', () => {
    const names = sections().map(([name]) => name);
    const links = [...runbook.matchAll(/\(#([\w-]+)\)/g)].map((match) => match[1]);
    expect(links.filter((link) => !names.includes(link ?? ''))).toEqual([]);
  });

  it('an alarm notifies the topic when it begins; a rule notifies it of the end, and only of the end', () => {
    const topic = [{ 'Fn::ImportValue': expect.stringContaining('RefAlarms') }];
    for (const { id, Properties } of alarms) {
      expect([id, Properties.AlarmActions, Properties.OKActions]).toEqual([id, topic, undefined]);
    }
    const [rule] = resources(templates, 'AWS::Events::Rule');
    expect(rule?.Properties).toMatchObject({
      EventPattern: {
        source: ['aws.cloudwatch'],
        'detail-type': ['CloudWatch Alarm State Change'],
        detail: {
          alarmName: [{ prefix: 'BartizanPipeline-' }, { prefix: 'BartizanHistory-' }],
          state: { value: ['OK'] },
          previousState: { value: ['ALARM'] },
        },
      },
      Targets: [{ Arn: topic[0] }],
    });
  });

  it('every queue has one alarm: on any message for dead letters, on age for the others', () => {
    const metrics = new Map(alarms.map((alarm) => [queueOf(alarm), alarm.Properties.MetricName]));
    const expected = queues.map(({ id }) => [
      id,
      id.includes('DeadLetters') ? 'ApproximateNumberOfMessagesVisible' : 'ApproximateAgeOfOldestMessage',
    ]);
    expect(queues.map(({ id }) => [id, metrics.get(id)])).toEqual(expected);
  });

  it('a queue whose messages may be received three times also has an alarm on the age that its function measures, with the same limit', () => {
    const limits = (metric: string) =>
      Object.fromEntries(
        alarms
          .filter(({ Properties }) => Properties.MetricName === metric)
          .map(({ id, Properties }) => [id.replace(/(Failing)?AgeAlarm.*/, ''), Properties.Threshold]),
      );
    const own = limits('failing_message_age_seconds');
    expect(Object.keys(own).sort()).toEqual(['DeliverQueue', 'EvaluateQueue', 'StoreQueue']);
    expect(limits('ApproximateAgeOfOldestMessage')).toMatchObject(own);
  });

  it('every function of ours has two alarms: errors and throttles', () => {
    const stages = ['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver', 'History', 'HistoryIam'];
    for (const stage of stages) {
      const metrics = alarms
        .filter(
          ({ id, Properties }) =>
            new RegExp(`^${stage}(Errors|Throttles)`).test(id) && Properties.Namespace === 'AWS/Lambda',
        )
        .map(({ Properties }) => Properties.MetricName);
      expect([stage, metrics.sort()]).toEqual([stage, ['Errors', 'Throttles']]);
    }
  });

  it('missing data starts no alarm, except the one on rounds that no longer start', () => {
    const missing = Map.groupBy(alarms, ({ Properties }) => Properties.TreatMissingData);
    const metrics = (list: typeof alarms = []) => list.map(({ Properties }) => Properties.MetricName).sort();
    expect([...missing.keys()].sort()).toEqual(['ignore', 'missing', 'notBreaching']);
    expect(metrics(missing.get('ignore'))).toEqual(['nodes_absent', 'rounds_overdue', 'rounds_unseen']);
    expect(missing.get('missing')?.map(({ Properties }) => Properties)).toEqual([
      expect.objectContaining({
        InsufficientDataActions: [expect.anything()],
        MetricName: 'rounds_planned_total',
        EvaluationPeriods: 3,
        Period: 60,
      }),
    ]);
  });

  it('every counter that an alarm reads is counted by the function of its service', () => {
    const own = alarms.filter(({ Properties }) => Properties.Namespace === 'Bartizan');
    const counted = own.map(({ Properties }) => [Properties.Dimensions[0].Value, Properties.MetricName]);
    expect(counted.sort()).toEqual([
      ['deliver', 'deliveries_failed_total'],
      ['deliver', 'failing_message_age_seconds'],
      ['deliver', 'messages_retried_total'],
      ['evaluate', 'evaluation_lag_seconds'],
      ['evaluate', 'failing_message_age_seconds'],
      ['evaluate', 'messages_retried_total'],
      ['evaluate', 'nodes_absent'],
      ['evaluate', 'partials_missing_total'],
      ['evaluate', 'rule_failures_total'],
      ['notify', 'alerts_undelivered_overdue'],
      ['notify', 'notify_failures_total'],
      ['plan', 'batches_failed_total'],
      ['plan', 'config_errors_total'],
      ['plan', 'rounds_overdue'],
      ['plan', 'rounds_planned_total'],
      ['plan', 'rounds_unconfigured_total'],
      ['plan', 'rounds_unseen'],
      ['probe', 'batches_expired_total'],
      ['probe', 'batches_failed_total'],
      ['probe', 'messages_retried_total'],
      ['store', 'failing_message_age_seconds'],
      ['store', 'messages_retried_total'],
      ['store', 'samples_rejected_total'],
      ['store', 'samples_too_late_total'],
    ]);
    const sources = ['core/stages', 'functions'].flatMap((folder) =>
      readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'utf8')),
    );
    const unknown = counted.filter(([, name]) => !sources.some((text) => text.includes(`'${name}'`)));
    expect(unknown).toEqual([]);
  });

  it('the topic takes messages from CloudWatch and EventBridge, and only over TLS', () => {
    const [policy] = resources(templates, 'AWS::SNS::TopicPolicy');
    const { Statement } = policy?.Properties.PolicyDocument ?? {};
    expect(Statement).toContainEqual(
      expect.objectContaining({ Action: 'sns:Publish', Principal: { Service: 'events.amazonaws.com' } }),
    );
    expect(Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
      }),
    );
    expect(Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Deny',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    );
  });

  it('a dashboard shows the metrics of the alarms', () => {
    const [dashboard] = resources(templates, 'AWS::CloudWatch::Dashboard');
    const body = JSON.stringify(dashboard?.Properties.DashboardBody);
    for (const title of ['Rounds', 'Samples', 'Messages', 'Oldest message', 'Duration', 'Errors'])
      expect(body).toContain(title);
  });
});
