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
 * Lambda retries a failed event a minute later
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html). If a newer round was planned by
 * then, this one is no longer due, and nothing happens (functions/planned.ts).
 */
const RETRIED_WITHIN_S = 120;

/**
 * Starts the stage at each tick, at whole minutes: a rate would count from the time of the deployment, but rounds are
 * multiples of their interval since the epoch. A failed start is retried within its tick, and then kept in a queue for
 * inspection.
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
    problem:
      'No round was completed for three intervals: a part of the fleet, or all of it, is not monitored.',
    metric: gauged('rounds_overdue', 'plan', tick),
    above: MISSING_ROUNDS,
    missing: 'unchanged',
  });
  addAlarm(here, 'NoStartAlarm', topic, {
    section: 'no-round',
    problem: 'No round started: nothing is monitored.',
    metric: counted('rounds_planned_total', 'plan', tick),
    below: 1,
    periods: MISSING_ROUNDS,
    missing: 'notified',
  });
  addAlarm(here, 'NoConfigurationAlarm', topic, {
    section: 'no-round',
    problem: 'There is no active configuration since the deployment: nothing is monitored.',
    metric: counted(
      'rounds_unconfigured_total',
      'plan',
      Duration.minutes(roundPeriodMinutes(tick.toMinutes())),
    ),
    above: 0,
    // The upload comes after the deployment.
    periods: 2,
  });
}
