import { awsProblems } from '../core/config/on-aws.ts';
import { scheduleSchema, serverSchema, storeSchema } from '../core/config/schema.ts';
import type { Config } from '../core/config/types.ts';
import { ConfigError } from '../core/errors.ts';
import type { Check } from '../core/model.ts';
import { LONGEST_TIMEOUT_SECONDS, slowestBatchSeconds, tickMinutes } from './timing.ts';

/** Nodes whose batch fits into a message of the probe queue with room to spare. */
const LARGEST_BATCH = 500;
/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
const MOST_CONCURRENT = 1000;

/**
 * Each has a queue: their names stand in one environment of 4 KB
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), and each in two lines of a policy of 10 KB
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
 */
const MOST_BASTIONS = 20;

/** What is right on one machine and cannot run on AWS, a line each. */
export function deployProblems(config: Config): string[] {
  return [
    ...awsProblems(config),
    ...config.checks.flatMap(checkProblems),
    ...tickProblems(config.checks),
    ...countProblems(config.bastions.length),
    ...config.bastions.flatMap(bastionProblems),
  ];
}

/**
 * All that cannot run on AWS at once. `file` is where it was written.
 * @throws ConfigError with a line for each
 */
export function requireDeployable(config: Config, file: string): void {
  const problems = deployProblems(config);
  if (problems.length === 0) return;
  const count = `${problems.length} ${problems.length === 1 ? 'thing' : 'things'}`;
  throw new ConfigError(
    [`${file} has ${count} that cannot run on AWS`, ...problems.map((text) => `  ${text}`)].join('\n'),
  );
}

/** What is right, and means nothing to a deployment: a sentence for each field that was changed. */
export function ignoredFields({ store, schedule, server }: Config): string[] {
  const { jitter } = scheduleSchema.parse({});
  const { listen } = serverSchema.parse({});
  const { retention, rollUpRetention } = storeSchema.parse({});
  const keptByServer = store.type === 'prometheus' && store.retentionMs !== retention;
  return [
    ...(server.host !== listen.host || server.port !== listen.port
      ? [
          'server.listen: functions listen nowhere; health and pictures are at the output PublicUrl, metrics in CloudWatch',
        ]
      : []),
    ...(schedule.jitterMs === jitter
      ? []
      : ['schedule.jitter: rounds on AWS start when their schedule says']),
    ...(keptByServer
      ? ['store.retention: a Prometheus-compatible server keeps samples as long as it was told itself']
      : []),
    ...(store.rollUpRetentionMs === rollUpRetention
      ? []
      : ['store.rollUpRetention: only the embedded store keeps roll-ups; others make them of samples']),
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
    `bastions: there are ${bastions}, and a deployment takes ${MOST_BASTIONS}; divide them over deployments in accounts or regions of their own`,
  ];
}

function bastionProblems(bastion: Config['bastions'][number]): string[] {
  const { name, batchSize, maxConnections } = bastion;
  const at = `bastions ${name}`;
  const seconds = slowestBatchSeconds(bastion);
  return [
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
