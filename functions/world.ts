import { createObjectAudit } from '../adapters/audit/objects.ts';
import { type Bucket, openBucket } from '../adapters/aws/bucket.ts';
import type { AwsClient } from '../adapters/aws/client.ts';
import { createChannels } from '../adapters/channels/registry.ts';
import { openS3Charts, type S3Charts } from '../adapters/charts/s3.ts';
import { openS3Counters } from '../adapters/counters/s3.ts';
import { createHeartbeat, type Heartbeat } from '../adapters/heartbeat.ts';
import { createFleet, type Fleet } from '../adapters/inventory/fleet.ts';
import { openSources } from '../adapters/inventory/registry.ts';
import { createProber } from '../adapters/probes/prober.ts';
import { createQueues, type Queues } from '../adapters/queues/sqs.ts';
import { createSecrets } from '../adapters/secrets/secrets.ts';
import { HISTORY_MS, openDynamoState } from '../adapters/state/dynamodb/state.ts';
import { openStore } from '../adapters/stores/registry.ts';
import type { Config } from '../core/config/types.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type {
  Audit,
  Channel,
  Clock,
  Logger,
  Meter,
  Prober,
  SampleStore,
  Secrets,
  StateStore,
} from '../core/ports.ts';
import type { BatchPorts } from './batch.ts';
import { createConfiguration } from './configuration.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { logger, meter, redactWith } from './lambda.ts';

/** What functions work with; made on the first use, and anew when the configuration in force has changed. */
export interface World {
  environment: Environment;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  secrets: Secrets;
  queues(): Promise<Queues>;
  bucket(): Promise<Pick<Bucket, 'get' | 'put'>>;
  charts(): Promise<S3Charts>;
  state(): Promise<StateStore>;
  config(): Promise<Config>;
  /** See `Configuration`. */
  activate(): Promise<void>;
  fleet(): Promise<Fleet>;
  store(): Promise<SampleStore>;
  channels(): Promise<ReadonlyMap<string, Channel>>;
  /** Undefined where the configuration names no address. */
  heartbeat(): Promise<Heartbeat | undefined>;
  prober(): Promise<{ prober: Prober; audit: Audit }>;
}

/**
 * A NAT gateway forgets a connection that is idle for so long
 * (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html): kept, it would stay on the bastion.
 */
const NAT_FORGETS_MS = 350_000;

export function createWorld(
  env: Readonly<Record<string, string | undefined>>,
  options: { clock?: Clock; aws?: AwsClient } = {},
): World {
  const environment = readEnvironment(env);
  const { clock = { nowMs: Date.now }, aws = {} } = options;
  const secrets = createSecrets({ baseDir: '/', env, aws, nowMs: clock.nowMs });
  redactWith(secrets);
  const ports = { clock, logger, meter, secrets };

  const queues = once(() => createQueues(aws));
  const inBucket = { bucket: environment.BARTIZAN_BUCKET, client: aws };
  const bucket = once(() => openBucket(inBucket));
  const state = once(() =>
    openDynamoState({ table: environment.BARTIZAN_TABLE, clock, historyMs: HISTORY_MS, client: aws }),
  );
  const configuration = once(async () =>
    createConfiguration(environment.BARTIZAN_CONFIG_KEY, {
      bucket: await bucket(),
      bastions: environment.BARTIZAN_PROBE_QUEUES && Object.keys(environment.BARTIZAN_PROBE_QUEUES),
      ...ports,
    }),
  );

  /** One value a version of the configuration. */
  function perConfig<T>(make: (config: Config) => Promise<T>, close: (value: T) => unknown = () => {}) {
    let made: { version: string; value: Promise<T> } | undefined;
    return async (): Promise<T> => {
      const { config, version } = await (await configuration()).load();
      if (made?.version !== version) {
        made?.value.then(close, () => {});
        made = { version, value: make(config) };
        // What failed is made again at the next use.
        made.value.catch(() => {
          made = undefined;
        });
      }
      return made.value;
    };
  }

  const fleet = perConfig(async (config) =>
    createFleet({
      config,
      sources: openSources(config.inventory, aws),
      kept: (await state()).counters,
      ...ports,
    }),
  );
  return {
    environment,
    ...ports,
    queues,
    bucket,
    charts: perConfig((config) =>
      openS3Charts({
        ...inBucket,
        // A domain of one's own in front of the function goes first.
        publicUrl: config.server.publicUrl ?? (environment.BARTIZAN_PUBLIC_URL || undefined),
        retentionMs: config.server.chartRetentionMs,
        clock,
      }),
    ),
    state,
    config: async () => (await (await configuration()).load()).config,
    activate: async () => (await configuration()).activate(),
    fleet,
    store: perConfig(
      (config) => openStore(config.store, { secrets, clock }),
      (store) => store.close(),
    ),
    channels: perConfig((config) => createChannels(config.channels, { secrets, clock, logger })),
    heartbeat: perConfig(async ({ server: { heartbeat: url } }) =>
      url === undefined ? undefined : createHeartbeat({ url, ...ports }),
    ),
    prober: perConfig(
      async () => {
        const { config } = await fleet();
        const writer = `${env.AWS_LAMBDA_FUNCTION_NAME ?? 'probe'}/${env.AWS_LAMBDA_LOG_STREAM_NAME ?? clock.nowMs()}`;
        const audit = createObjectAudit({
          bucket: await bucket(),
          prefix: 'audit/',
          writer,
          nowMs: clock.nowMs,
        });
        const counters = await openS3Counters(inBucket);
        const knownHosts = '/nonexistent/known_hosts';
        const needs = { config, audit, counters, knownHosts, ...ports };
        const keep = tickIntervalMs(config.checks) < NAT_FORGETS_MS ? 'bastion' : 'nothing';
        return { audit, prober: await createProber({ ...needs, keep }) };
      },
      ({ prober }) => prober.close(),
    ),
  };
}

/** One value for the life of the process; made again after a failure. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** What every function with a queue needs to see to its messages. @throws ConfigError */
export async function batchPorts({ logger, meter, queues }: World): Promise<BatchPorts> {
  return { queues: await queues(), logger, meter };
}

let production: World | undefined;

/** That of the deployed function, made at its first call. */
export function theWorld(): World {
  production ??= createWorld(process.env);
  return production;
}
