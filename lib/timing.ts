// The times of the pipeline that follow from the configuration.
import { storeTimeoutMs } from '../adapters/stores/registry.ts';
import {
  LEAST_SECONDS,
  LONGEST_TIMEOUT_SECONDS,
  OVERHEAD_SECONDS,
  probeTimeoutSeconds,
  querySeconds,
} from '../core/deployment/deploy-times.ts';
import type { Config } from '../core/model/config.ts';
import { SEND_TIMEOUT_MS } from '../core/notify/attempt.ts';

/**
 * The time between the end of a function and the return of its message: Lambda's own handling, and clocks that differ.
 */
const VISIBILITY_MARGIN_SECONDS = 30;

/**
 * How long a message stays hidden while its function runs. AWS advises six times the time-out, so that a throttled
 * function is retried before the message returns
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html). Here it is little more than the time-out:
 * batches are small and not gathered, a message may be received hundreds of times before it counts as dead, and the
 * message of a killed function must return while it is useful: a batch of probe before it expires, an incident of
 * deliver before people wait for minutes.
 */
export function visibilitySeconds(timeoutSeconds: number): number {
  return timeoutSeconds + VISIBILITY_MARGIN_SECONDS;
}

/** History reads objects for a person who waits, or works on a query as long as the configuration allows. */
export function historyTimeoutSeconds(config: Pick<Config, 'server'>): number {
  return OVERHEAD_SECONDS + querySeconds(config);
}

/**
 * For the evaluation itself: a shard of 2,000 nodes takes 4 s (docs/scale-and-cost.md), and ten times as many nodes
 * still fit.
 */
const EVALUATE_SECONDS = 45;
/** For reading an incident's alerts and values, drawing its picture, and recording the result of its message. */
const COMPOSE_SECONDS = 15;

/** How many seconds each function may run: the time of its work when every service is as slow as it may be. */
export function timeoutsSeconds({ bastions, store }: Pick<Config, 'bastions' | 'store'>) {
  const storeSeconds = Math.ceil(storeTimeoutMs(store) / 1000);
  const limited = (seconds: number) =>
    Math.min(LONGEST_TIMEOUT_SECONDS, Math.max(LEAST_SECONDS, OVERHEAD_SECONDS + seconds));
  return {
    // The next round starts within a minute, and another call plans it. Reading 30,000 nodes takes a second, 4 s at
    // most.
    plan: LEAST_SECONDS,
    probe: probeTimeoutSeconds(bastions),
    // A call begins no message when less than half of its time is left (functions/batch.ts), so one request has all of
    // that half.
    store: limited(2 * storeSeconds),
    // Queries run at the same time, and a failed one is repeated once.
    evaluate: limited(2 * storeSeconds + EVALUATE_SECONDS),
    // A sweep comes each minute. It stops by itself before its time is over (functions/notify.ts), and the next one
    // continues.
    notify: LEAST_SECONDS,
    deliver: limited(SEND_TIMEOUT_MS / 1000 + COMPOSE_SECONDS),
  };
}

/**
 * How often the schedule fires, in minutes. A pattern can only have intervals that divide an hour; for other ticks the
 * schedule fires more often, and in between nothing is due.
 */
export function scheduleMinutes(tick: number): number {
  let [a, b] = [tick, 60];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/**
 * The time between the counts of two rounds: a round starts anywhere in its minute, and its work takes up to a minute.
 */
const ROUND_JITTER_MINUTES = 2;
/** A shorter fault needs no alarm. */
const LEAST_PERIOD_MINUTES = 5;

/**
 * The minutes of a period in which each round counts something, so that a lasting fault has no period without a count.
 * CloudWatch moves the periods of an alarm by a minute each minute, and takes any multiple of a minute
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
 */
export function roundPeriodMinutes(tick: number): number {
  return Math.max(LEAST_PERIOD_MINUTES, tick + ROUND_JITTER_MINUTES);
}

/** The period of alarms on calls of a function. Failed messages come again from their queue, a minute or two apart. */
export function alarmPeriodMinutes(stage: string, tick: number): number {
  return stage === 'plan' || stage === 'probe' ? roundPeriodMinutes(tick) : LEAST_PERIOD_MINUTES;
}

/** The number of periods of a minute in a row in which the oldest message of a queue must be too old. */
export const AGE_PERIODS = 3;
/** SQS and CloudWatch measure each minute, and show the value a little later. */
const AGE_MARGIN_PERIODS = 2;
/** A message may be as old as the rounds that may be missing before an alarm. */
const KEPT_TICKS = 3;
const HOUR_SECONDS = 3_600;

export interface QueueTimes {
  /** An older message starts an alarm. */
  oldest: number;
  /** SQS deletes a message after this time without a trace; it is longer than the alarm needs. */
  retention: number;
}

/** The seconds that messages of each stage may wait, and the seconds that they are kept. */
export function queueTimesSeconds(tickSeconds: number) {
  const times = (oldest: number, worthSeconds: number): QueueTimes => ({
    oldest,
    retention: Math.max(
      worthSeconds,
      KEPT_TICKS * tickSeconds,
      oldest + (AGE_PERIODS + AGE_MARGIN_PERIODS) * 60,
    ),
  });
  return {
    probe: times(2 * tickSeconds, HOUR_SECONDS),
    store: times(900, 14 * 24 * HOUR_SECONDS),
    // The next round evaluates the same samples again, so an evaluation need not be kept for long.
    evaluate: times(Math.max(180, 2 * tickSeconds), 900),
    // A wake-up may be delayed by 15 minutes, and counts as waiting meanwhile.
    notify: times(1_200, 4 * HOUR_SECONDS),
    deliver: times(Math.max(600, tickSeconds), 24 * HOUR_SECONDS),
  };
}
