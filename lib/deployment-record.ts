// The record of a deployment, which the stacks write for the next one under its name. It holds no secret.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { parameterNames } from '../core/deployment/parameter-names.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { type Settings, writeSettings } from './settings.ts';

const recordSchema = z.object({
  /** As written after `-c`; an empty one had its default. */
  settings: z.record(z.string(), z.string()),
  bastions: z.array(z.object({ name: z.string(), host: z.string(), port: z.number() })),
  /** Clusters and inventories. Undefined where an older release recorded none. */
  watched: z.object({ count: z.number(), hashes: z.array(z.string()) }).optional(),
  /** Hash of what the stacks derive from the configuration. */
  derivedFrom: z.string().optional(),
  /** Where the configuration is uploaded to. */
  bucket: z.string(),
});

export type DeploymentRecord = z.output<typeof recordSchema>;
export type DeployedBastion = DeploymentRecord['bastions'][number];

/** A parameter of the advanced tier (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html). */
const MOST_BYTES = 8192;
/** The longest name of a bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html). */
const LONGEST_BUCKET = 'b'.repeat(63);
/** Nine bytes each. Of more clusters the lowest hashes are kept: two fleets that share a tenth share one of them all the same. */
const MOST_HASHES = 100;
/** 36 bits: two names of a thousand clusters have the same one once in 100,000 fleets. */
const HASH_CHARACTERS = 6;

/** The record without the bucket, whose name CloudFormation makes up while it deploys. */
export function deploymentRecord(config: Config, settings: Settings): Omit<DeploymentRecord, 'bucket'> {
  const hashes = watchedHashes(config);
  return {
    settings: writeSettings(settings),
    bastions: config.bastions.map(({ name, host, port }) => ({ name, host, port })),
    watched: { count: hashes.length, hashes: hashes.slice(0, MOST_HASHES) },
    derivedFrom: derivedHash(config),
  };
}

/** A hash of each cluster and each inventory, lowest first. */
export function watchedHashes({ clusters, inventory }: Pick<Config, 'clusters' | 'inventory'>): string[] {
  const names = [
    ...clusters.map(({ name }) => `cluster ${name}`),
    ...inventory.map((source) => `inventory ${JSON.stringify(source)}`),
  ];
  return names.map((name) => hashText(name).slice(0, HASH_CHARACTERS)).sort();
}

/**
 * A hash of all fields that queues, permissions, schedule, alarms and networks follow from. A field too many only costs an
 * update of a parameter. test/stacks/deployment-record.test.ts holds it to the templates.
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
    `settings: they are written down in a parameter, which holds ${MOST_BYTES} bytes, and have ${bytes}; write \`-c loginParameters=/path/*\` in place of many names`,
  ];
}

/** @throws ConfigError for a record that no release of ours wrote. `what` names the parameter */
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
