import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { createObjectAudit } from '../adapters/audit/objects.ts';
import { type Bucket, openBucket } from '../adapters/aws/bucket.ts';
import type { AwsClient } from '../adapters/aws/client.ts';
import { createChannels } from '../adapters/channels/registry.ts';
import { openS3Charts, type S3Charts } from '../adapters/charts/s3.ts';
import { openS3Counters } from '../adapters/counters/s3.ts';
import { createHeartbeat, type Heartbeat } from '../adapters/heartbeat/heartbeat.ts';
import { createFleet, type Fleet } from '../adapters/inventory/fleet.ts';
import { createKeptFleet, type KnownFleet } from '../adapters/inventory/kept-fleet.ts';
import { openSources } from '../adapters/inventory/registry.ts';
import { createProber } from '../adapters/probes/prober.ts';
import { createQueues, type Queues } from '../adapters/queues/sqs.ts';
import { createSecrets } from '../adapters/secrets/secrets.ts';
import { HISTORY_MS, openDynamoState } from '../adapters/state/dynamodb/state.ts';
import { openStore, repeatsValues } from '../adapters/stores/registry.ts';
import type {
  FleetSelection,
  PublicSettings,
  Settings,
  SettingsWithFleet,
} from '../core/deployment/expanded.ts';
import type { AuditAction } from '../core/model/audit.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import { shardName } from '../core/plan/shards.ts';
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
import { bucketSignatures } from './bucket-signatures.ts';
import { createConfiguration, type Loaded } from './configuration.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { logger, meter, redactWith } from './lambda.ts';
import { releaseOf } from './release.ts';

/**
 * What functions need. Each service is created at its first use, and again when the active configuration has changed.
 */
export interface Services {
  environment: Environment;
  clock: Clock;
  /** Waits inside the call, for seconds at most. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  logger: Logger;
  meter: Meter;
  secrets: Secrets;
  queues(): Promise<Queues>;
  bucket(): Promise<Pick<Bucket, 'get' | 'put'>>;
  charts(): Promise<S3Charts>;
  state(): Promise<StateStore>;
  config(): Promise<Settings>;
  publicSettings(): Promise<PublicSettings>;
  /** See `createActivation`. */
  activate(): Promise<boolean>;
  /** The clusters that are asked for; its configuration is that of `config`, with the same version. */
  fleet(of: FleetSelection): Promise<Fleet<SettingsWithFleet>>;
  /** All clusters, those of sources as others have read them last. */
  knownFleet(): Promise<KnownFleet<SettingsWithFleet>>;
  store(): Promise<SampleStore>;
  channels(): Promise<ReadonlyMap<string, Channel>>;
  /** Undefined when the configuration has no address. */
  heartbeat(): Promise<Heartbeat | undefined>;
  prober(): Promise<{ prober: Prober; audit: Audit }>;
  /** The audit of what somebody changes by this function. */
  actionAudit(): Promise<Audit<AuditAction>>;
}

/**
 * A NAT gateway forgets a connection that is idle for this long
 * (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html); if we kept it, it would stay on
 * the bastion.
 */
const NAT_FORGETS_MS = 350_000;

export function createServices(
  env: Readonly<Record<string, string | undefined>>,
  options: { clock?: Clock; aws?: AwsClient } = {},
): Services {
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
    createConfiguration(environment.BARTIZAN_CONFIG_KEY, { bucket: await bucket(), clock }),
  );
  const activation = once(async () => {
    // Only plan parses configurations, so only there the parser is loaded.
    const { createActivation } = await import('./activation.ts');
    return createActivation(environment.BARTIZAN_CONFIG_KEY, {
      bucket: await bucket(),
      deployed: environment.BARTIZAN_DEPLOYED,
      slices: environment.BARTIZAN_SHARDS,
      release: releaseOf(import.meta.dirname),
      ...ports,
    });
  });
  const settings = async () => (await configuration()).settings();
  const publicSettings = async () => (await configuration()).publicSettings();
  const fleets = new Map<string, () => Promise<Fleet<SettingsWithFleet>>>();
  function fleet(of: FleetSelection): Promise<Fleet<SettingsWithFleet>> {
    const name = typeof of === 'string' ? of : `shard ${shardName(of)}`;
    const known =
      fleets.get(name) ??
      perVersion(
        async () => (await configuration()).fleet(of),
        async (config) =>
          createFleet({
            config,
            sources: openSources(config.inventory, { secrets, clock, aws }),
            kept: (await state()).counters,
            ...ports,
          }),
      );
    fleets.set(name, known);
    return known();
  }
  const keptFleet = perVersion(
    async () => (await configuration()).fleet('all'),
    async (config) =>
      createKeptFleet({
        config,
        sources: openSources(config.inventory, { secrets, clock, aws }).map(({ name }) => name),
        kept: (await state()).counters,
        clock,
      }),
  );
  async function openAudit() {
    // After a killed process another one has the same log stream: it begins a chain of its own.
    const stream = `${env.AWS_LAMBDA_FUNCTION_NAME ?? 'probe'}/${env.AWS_LAMBDA_LOG_STREAM_NAME ?? ''}`;
    const writer = `${stream}/${randomUUID()}`;
    return createObjectAudit({ bucket: await bucket(), prefix: 'audit/', writer, nowMs: clock.nowMs });
  }
  return {
    environment,
    ...ports,
    sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
    queues,
    bucket,
    charts: perVersion(publicSettings, (config) =>
      openS3Charts({
        ...inBucket,
        // A custom domain in front of the function comes first.
        publicUrl: config.publicUrl ?? (environment.BARTIZAN_PUBLIC_URL || undefined),
        retentionMs: config.chartRetentionMs,
        clock,
      }),
    ),
    state,
    config: async () => (await settings()).value,
    publicSettings: async () => (await publicSettings()).value,
    async activate() {
      const isInForce = await (await activation())();
      (await configuration()).expire();
      return isInForce;
    },
    fleet,
    knownFleet: async () => (await keptFleet())(),
    store: perVersion(
      settings,
      (config) => openStore(config.store, { secrets, clock }),
      (store) => store.close(),
    ),
    channels: perVersion(settings, (config) => createChannels(config.channels, { secrets, clock, logger })),
    heartbeat: perVersion(settings, async ({ server: { heartbeat: url } }) =>
      url === undefined ? undefined : createHeartbeat({ url, ...ports }),
    ),
    prober: perVersion(
      async () => (await configuration()).fleet('logins'),
      async () => {
        const { config } = await fleet('logins');
        const audit = await openAudit();
        const counters = await openS3Counters(inBucket);
        const knownHosts = '/nonexistent/known_hosts';
        const needs = { config, audit, counters, knownHosts, ...ports };
        const keep = tickIntervalMs(config.checks) < NAT_FORGETS_MS ? 'bastion' : 'nothing';
        return {
          audit,
          prober: await createProber({
            ...needs,
            keep,
            signatures: config.signatures && bucketSignatures(bucket, clock),
            checksKeys: false,
            repeatsValues: repeatsValues(config.store),
          }),
        };
      },
      ({ prober }) => prober.close(),
    ),
    actionAudit: once(openAudit),
  };
}

/** One value for the life of the process; created again after a failure. */
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

/** The ports for handling messages of a queue. @throws ConfigError */
export async function batchPorts(
  { clock, logger, meter, queues }: Services,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
): Promise<BatchPorts> {
  const remainingMs = () => context.getRemainingTimeInMillis();
  return { queues: await queues(), clock, logger, meter, remainingMs };
}

let production: Services | undefined;

/** The services of the deployed function, created at its first call. */
export function productionServices(): Services {
  production ??= createServices(process.env);
  return production;
}

/** Creates one value for each version of its input. */
function perVersion<From, T>(
  load: () => Promise<Loaded<From>>,
  make: (from: From) => Promise<T>,
  close: (value: T) => unknown = () => {},
): () => Promise<T> {
  let made: { version: string; value: Promise<T> } | undefined;
  return async () => {
    const { value, version } = await load();
    if (made?.version !== version) {
      made?.value.then(close, () => {});
      made = { version, value: make(value) };
      // A value that failed is created again at its next use.
      made.value.catch(() => {
        made = undefined;
      });
    }
    return made.value;
  };
}
