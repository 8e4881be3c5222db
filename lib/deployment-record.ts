// The record of a deployment, which the stacks write for the next one under its name. It contains no secret.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { parameterNames } from '../core/deployment/parameter-names.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { type Settings, writeSettings } from './settings.ts';

const recordSchema = z.object({
  /** As written after `-c`; an empty one has its default. */
  settings: z.record(z.string(), z.string()),
  bastions: z.array(z.object({ name: z.string(), host: z.string(), port: z.number() })),
  /** Hashes of clusters and inventories. Undefined when an older release recorded none. */
  watched: z.object({ count: z.number(), hashes: z.array(z.string()) }).optional(),
  /** A hash of everything that the stacks derive from the configuration. */
  derivedFrom: z.string().optional(),
  /** The bucket for uploads of the configuration. */
  bucket: z.string(),
});

export type DeploymentRecord = z.output<typeof recordSchema>;
export type DeployedBastion = DeploymentRecord['bastions'][number];

/**
 * A parameter of the advanced tier
 * (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
 */
const MOST_BYTES = 8192;
/** The longest name of a bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html). */
const LONGEST_BUCKET = 'b'.repeat(63);
/**
 * Nine bytes each. With more clusters only the lowest hashes are kept: two fleets that share a tenth of their clusters
 * still share one of these hashes.
 */
const MOST_HASHES = 100;
/** 36 bits: two names of a thousand clusters have the same hash once in 100,000 fleets. */
const HASH_CHARACTERS = 6;

/** The record without the bucket, whose name CloudFormation makes up during the deployment. */
export function deploymentRecord(config: Config, settings: Settings): Omit<DeploymentRecord, 'bucket'> {
  const hashes = watchedHashes(config);
  return {
    settings: writeSettings(settings),
    bastions: config.bastions.map(({ name, host, port }) => ({ name, host, port })),
    watched: { count: hashes.length, hashes: hashes.slice(0, MOST_HASHES) },
    derivedFrom: derivedHash(config),
  };
}

/** A hash of each cluster and each inventory, the lowest first. */
export function watchedHashes({ clusters, inventory }: Pick<Config, 'clusters' | 'inventory'>): string[] {
  const names = [
    ...clusters.map(({ name }) => `cluster ${name}`),
    ...inventory.map((source) => `inventory ${JSON.stringify(source)}`),
  ];
  return names.map((name) => hashText(name).slice(0, HASH_CHARACTERS)).sort();
}

/**
 * A hash of all fields from which queues, permissions, schedule, alarms and networks are derived. An unnecessary field
 * only causes an update of a parameter. test/stacks/deployment-record.test.ts compares it with the templates.
 */
function derivedHash(config: Config): string {
  const { bastions, checks, channels, inventory, server, store } = config;
  const names = parameterNames(config);
  return hashText(JSON.stringify({ bastions, checks, channels, inventory, server, store, names }));
}

function hashText(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** A parameter that is too long would fail the last stack of a deployment. */
export function recordProblems(config: Config, settings: Settings): string[] {
  const remembered = { ...deploymentRecord(config, settings), bucket: LONGEST_BUCKET };
  const bytes = Buffer.byteLength(JSON.stringify(remembered));
  if (bytes <= MOST_BYTES) return [];
  return [
    `settings: their record needs ${bytes} bytes in a parameter, which has at most ${MOST_BYTES}; write \`-c loginParameters=/path/*\` in place of many names`,
  ];
}

/** @throws ConfigError for a record that none of our releases wrote. `what` names the parameter */
export function parseDeploymentRecord(text: string, what: string): DeploymentRecord {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ConfigError(`${what}: written by another version; delete it and name all settings`, { cause });
  }
}

/** Whether the stacks were deployed from this configuration and these settings, as far as they depend on them. */
export function isDeployed(
  { bucket: _, ...there }: DeploymentRecord,
  config: Config,
  settings: Settings,
): boolean {
  return isDeepStrictEqual(there, deploymentRecord(config, settings));
}
