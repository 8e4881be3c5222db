import { Duration, type Stack } from 'aws-cdk-lib';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { addAlarm, counted, gauged, MISSING_ROUNDS } from './alarms.ts';
import type { Stage } from './stage.ts';
import { createDeadLetters } from './stage-queue.ts';
import { roundPeriodMinutes, scheduleMinutes } from './timing.ts';

/**
 * Lambda tries an event again a minute after it failed
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html). That a newer round may be planned by
 * then does no harm: then the round is no longer due (functions/planned.ts).
 */
const RETRIED_WITHIN_S = 120;

/**
 * Starts the stage at each tick, at whole minutes: a rate would count from the moment it was deployed, and rounds are
 * multiples of their interval since the epoch. A start that fails is repeated within its tick and then kept in a queue to be inspected.
 */
export function scheduleRounds(
  plan: Stage,
  { stack, topic, tick }: { stack: Stack; topic: ITopic; tick: Duration },
): void {
  const here = new Construct(stack, 'Rounds');
  const deadLetters = createDeadLetters(here, { stage: 'plan', topic });
  plan.fn.configureAsyncInvoke({
    maxEventAge: Duration.seconds(Math.max(RETRIED_WITHIN_S, tick.toSeconds())),
    retryAttempts: 2,
    onFailure: new SqsDestination(deadLetters),
  });
  const minutes = scheduleMinutes(tick.toMinutes());
  new Schedule(here, 'Schedule', {
    description: `Starts a round every ${minutes} min`,
    schedule: ScheduleExpression.cron({ minute: minutes === 60 ? '0' : `0/${minutes}`, hour: '*' }),
    target: new LambdaInvoke(plan.fn, {
      input: ScheduleTargetInput.fromObject({ scheduledTime: ContextAttribute.scheduledTime }),
      maxEventAge: Duration.minutes(1),
      retryAttempts: 3,
      deadLetterQueue: deadLetters,
    }),
  });
  addAlarm(here, 'NoRoundAlarm', topic, {
    section: 'no-round',
    says: 'No round was completed for three intervals: a part of the fleet, or all of it, is not watched.',
    metric: gauged('rounds_overdue', 'plan', tick),
    above: MISSING_ROUNDS,
    missing: 'unchanged',
  });
  addAlarm(here, 'NoStartAlarm', topic, {
    section: 'no-round',
    says: 'No round was started: nothing is being watched.',
    metric: counted('rounds_planned_total', 'plan', tick),
    below: 1,
    periods: MISSING_ROUNDS,
    missing: 'notified',
  });
  addAlarm(here, 'NoConfigurationAlarm', topic, {
    section: 'no-round',
    says: 'No configuration is in force since the deployment: nothing is being watched.',
    metric: counted(
      'rounds_unconfigured_total',
      'plan',
      Duration.minutes(roundPeriodMinutes(tick.toMinutes())),
    ),
    above: 0,
    // An upload follows the deployment.
    periods: 2,
  });
}
