import type { Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { nameSuffix } from './names.ts';

/** The topic for alarms about the pipeline itself, which cannot report its own end through its channels. */
export function createTopic(stack: Stack, emails: readonly string[]): Topic {
  const topic = new Topic(stack, 'Alarms', {
    displayName: `Bartizan alarms${nameSuffix(stack)}`,
    enforceSSL: true,
  });
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
  for (const email of emails) topic.addSubscription(new EmailSubscription(email));
  return topic;
}

/**
 * Notifies the topic of the end of each alarm whose beginning it sent. An OK action would notify of every alarm in the
 * first minutes of a deployment, when alarms leave INSUFFICIENT_DATA; events also have the former state
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html).
 */
export function notifyRecoveries(stack: Stack, topic: ITopic, alarmsOf: readonly Stack[]): void {
  const rule = new Rule(stack, 'Recoveries', {
    description: 'An alarm of this deployment is over',
    eventPattern: {
      source: ['aws.cloudwatch'],
      detailType: ['CloudWatch Alarm State Change'],
      detail: {
        // CloudFormation makes up the names of alarms from the name of the stack.
        alarmName: alarmsOf.map(({ stackName }) => ({ prefix: `${stackName}-` })),
        state: { value: ['OK'] },
        previousState: { value: ['ALARM'] },
      },
    },
  });
  const [name, since, problem] = ['alarmName', 'state.timestamp', 'configuration.description'].map((path) =>
    EventField.fromPath(`$.detail.${path}`),
  );
  rule.addTarget(
    new SnsTopic(topic, {
      message: RuleTargetInput.fromText(`OK: ${name} is over since ${since}. It was: ${problem}`),
    }),
  );
}
