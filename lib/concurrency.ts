// The concurrency of each stage and of the account.
import type { Config } from '../core/model/config.ts';
import type { Settings } from './settings.ts';

/**
 * The minimum of Lambda (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html): each call reads all
 * due incidents, and more calls would only conflict.
 */
export const NOTIFY_CONCURRENCY = 2;
/**
 * A message takes 1 to 2 s, and 30 s if its receiver is silent. One channel has at most this many at the same time, and
 * a failing one 25 (core/notify/turns.ts), so that others get their turn within a minute. A storm gets a tenth of the
 * concurrency of a new account.
 */
export const DELIVER_CONCURRENCY = 100;
/**
 * A call writes ten messages in about 2 s, so a minute is enough for fifteen rounds of 30,000 nodes, which are 15,000
 * messages.
 */
export const STORE_CONCURRENCY = 50;

/** Two rounds at the same time, so that a late one does not delay the next. */
export function evaluateConcurrency({ shards }: Pick<Settings, 'shards'>): number {
  return 2 * (shards > 1 ? shards + 1 : 1);
}

/** Limits of an account, in a region (https://docs.aws.amazon.com/lambda/latest/api/API_AccountLimit.html). */
export interface ConcurrencyLimits {
  all: number;
  /** The part that is reserved for no function, or for one of this deployment. */
  unreserved: number;
}

/**
 * AWS keeps this many without a reservation
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
 */
const ALWAYS_UNRESERVED = 100;
/** Plan, store, evaluate, notify, deliver and history. */
const BESIDE_PROBE = 6;

/**
 * Compares a deployment with the limits. A new account may run ten functions at once
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
 */
export function concurrencyFindings(
  { all, unreserved }: ConcurrencyLimits,
  { config, settings, region }: { config: Pick<Config, 'bastions'>; settings: Settings; region: string },
): { problems: string[]; warnings: string[] } {
  const reserved = settings.publicConcurrency ?? 0;
  const has = `the account has ${unreserved} of ${all} left for all its functions in ${region}`;
  const refused = (text: string) => ({ problems: [text], warnings: [] });
  if (reserved > 0 && unreserved - reserved < ALWAYS_UNRESERVED)
    return refused(
      `-c publicConcurrency=${reserved}: ${has}, and AWS keeps ${ALWAYS_UNRESERVED} for functions without a reservation; leave it out, or ${raiseTo(all)}`,
    );
  const { bastions } = config;
  const left = unreserved - reserved;
  const least = bastions.length + BESIDE_PROBE;
  const probes = bastions.reduce((sum, { maxConnections }) => sum + Math.max(2, maxConnections), 0);
  const most =
    1 + probes + STORE_CONCURRENCY + evaluateConcurrency(settings) + NOTIFY_CONCURRENCY + DELIVER_CONCURRENCY;
  if (left < least)
    return refused(
      `functions at once: ${has}, and a round needs ${least}, one for each bastion and ${BESIDE_PROBE} others; ${raiseTo(most)}`,
    );
  if (left >= most) return { problems: [], warnings: [] };
  return {
    problems: [],
    warnings: [
      `functions at once: ${has}, and this deployment may use ${most} (${probes} to probe, ${DELIVER_CONCURRENCY} to deliver); at a peak batches may expire and messages wait: ${raiseTo(most)}`,
    ],
  };
}

function raiseTo(limit: number): string {
  return `ask for more: \`aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value ${Math.max(1000, limit)}\``;
}
