import { scheduleSchema, storeSchema } from '../core/config/schema.ts';
import { serverSchema } from '../core/config/server-schema.ts';
import { deployProblems } from '../core/deployment/deploy-rules.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';

/**
 * Throws one error with everything that cannot run on AWS, and the given problems. `file` names the configuration.
 * @throws ConfigError with a line for each
 */
export function requireDeployable(config: Config, file: string, known: readonly string[] = []): void {
  const problems = [...deployProblems(config), ...known];
  if (problems.length === 0) return;
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  throw new ConfigError(
    [`${file} cannot run on AWS: ${count}`, ...problems.map((text) => `  ${text}`)].join('\n'),
  );
}

/** A sentence for each changed field that is valid, but has no effect in a deployment. */
export function ignoredFields({ store, schedule, server }: Config): string[] {
  const { jitterMs } = scheduleSchema.parse({});
  const { host, port } = serverSchema.parse({});
  const { retention, rollUpRetention } = storeSchema.parse({});
  const keptByServer = store.type === 'prometheus' && store.retentionMs !== retention;
  return [
    ...(server.host !== host || server.port !== port
      ? [
          'server.listen: functions do not listen on a port; the output PublicUrl has the address of health and pictures, and CloudWatch the metrics',
        ]
      : []),
    ...(schedule.jitterMs === jitterMs ? [] : ['schedule.jitter: on AWS the schedule starts rounds']),
    ...(keptByServer ? ['store.retention: a Prometheus-compatible server has its own setting'] : []),
    ...(store.rollUpRetentionMs === rollUpRetention
      ? []
      : ['store.rollUpRetention: only the embedded store keeps roll-ups']),
  ];
}
