// What AWS can run. The same rules hold for a configuration that is deployed, and for one that is only uploaded.

import { z } from 'zod';
import type { Check } from '../model/check.ts';
import type { Config } from '../model/config.ts';
import { LONGEST_TIMEOUT_SECONDS, slowestBatchSeconds, tickMinutes } from './deploy-times.ts';
import { awsProblems } from './on-aws.ts';

/** A batch of so many nodes fits into a message of the probe queue, with room to spare. */
const LARGEST_BATCH = 500;
/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
const MOST_CONCURRENT = 1000;

/**
 * Each bastion has a queue. Their names share one environment of 4 KB
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and each needs two lines of a policy of 10 KB
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
 */
const MOST_BASTIONS = 20;

/** One line for each setting that works on one machine and not on AWS. */
export function deployProblems(config: Config): string[] {
  return [
    ...awsProblems(config),
    ...config.checks.flatMap(checkProblems),
    ...tickProblems(config.checks),
    ...countProblems(config.bastions.length),
    ...config.bastions.flatMap(bastionProblems),
  ];
}

function checkProblems({ name, everyMs }: Check): string[] {
  if (everyMs % 60_000 === 0) return [];
  return [
    `checks ${name}: it runs every ${everyMs / 1000} s, and schedules on AWS count whole minutes; write \`1m\` or a multiple of it`,
  ];
}

function tickProblems(checks: readonly Check[]): string[] {
  if (tickMinutes(checks) !== undefined || checks.some((check) => checkProblems(check).length > 0)) return [];
  return ['checks: none runs within the hour; write `1h` or less for one, so that a missed round is noticed'];
}

function countProblems(bastions: number): string[] {
  if (bastions <= MOST_BASTIONS) return [];
  return [
    `bastions: there are ${bastions}, and a deployment takes ${MOST_BASTIONS}; divide them over deployments, each with a name of its own, \`-c name=…\``,
  ];
}

function bastionProblems(bastion: Config['bastions'][number]): string[] {
  const { name, host, batchSize, maxConnections } = bastion;
  const at = `bastions ${name}`;
  const seconds = slowestBatchSeconds(bastion);
  return [
    ...hostProblems(at, host),
    ...(batchSize > LARGEST_BATCH
      ? [
          `${at}: a batch of ${batchSize} nodes fits no message; write \`batchSize: ${LARGEST_BATCH}\` or less`,
        ]
      : []),
    ...(maxConnections > MOST_CONCURRENT
      ? [
          `${at}: a queue feeds ${MOST_CONCURRENT} functions at once; write \`maxConnections: ${MOST_CONCURRENT}\` or less`,
        ]
      : []),
    ...(maxConnections < 2
      ? [
          `${at}: a queue feeds two functions at once at least, which is two connections; write \`maxConnections: 2\` or more`,
        ]
      : []),
    ...(seconds > LONGEST_TIMEOUT_SECONDS
      ? [
          `${at}: a batch of silent nodes takes ${seconds} s, and a function ends after ${LONGEST_TIMEOUT_SECONDS}; lower \`batchSize\` or \`deadlines\`, or raise \`concurrency\``,
        ]
      : []),
  ];
}

/** The host becomes a rule of the firewall, and an invalid address fails the first stack. */
function hostProblems(at: string, host: string): string[] {
  // Subnets of functions are IPv4 (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
  if (host.includes(':'))
    return [`${at}: functions have no IPv6; write a name or an IPv4 address for \`${host}\``];
  // No name ends in a number (https://www.rfc-editor.org/rfc/rfc1123#page-13).
  if (/(^|\.)\d+$/.test(host) && !z.ipv4().safeParse(host).success)
    return [`${at}: \`${host}\` is no address; write four numbers up to 255, or a name`];
  return [];
}
