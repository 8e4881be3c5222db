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
import { addAlarm, counted } from './alarms.ts';
import type { Stage } from './stage.ts';
import { createDeadLetters } from './stage-queue.ts';
import { scheduleMinutes } from './timing.ts';

/**
 * Starts the stage at each tick, at whole minutes: a rate would count from the moment it was deployed, and rounds are
 * multiples of their interval since the epoch. A start that fails is repeated within its tick and then kept to look at.
 */
export function scheduleRounds(
  plan: Stage,
  { stack, topic, tick }: { stack: Stack; topic: ITopic; tick: Duration },
): void {
  const here = new Construct(stack, 'Rounds');
  const deadLetters = createDeadLetters(here, { stage: 'plan', topic });
  plan.fn.configureAsyncInvoke({
    maxEventAge: Duration.seconds(Math.max(60, tick.toSeconds())),
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
    says: 'No round was completed: nothing is being watched.',
    metric: counted('rounds_total', 'evaluate', tick),
    below: 1,
    periods: 3,
    missingIsBad: true,
  });
}
