import type { Bucket } from '../adapters/aws/bucket.ts';
import { targetsOf } from '../adapters/inventory/file.ts';
import { KINDS } from '../adapters/registry.ts';
import { nodeName } from '../core/config/config-changes.ts';
import { parseConfig } from '../core/config/parse.ts';
import { deployProblems } from '../core/deployment/deploy-rules.ts';
import { type Deployed, undeployedChanges } from '../core/deployment/deployed.ts';
import { expandConfig } from '../core/deployment/expanded.ts';
import { awsProblems } from '../core/deployment/on-aws.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { type AcceptedFleet, checkRemoval, removalText } from '../core/plan/removal-guard.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';
import { type Manifest, readManifest, verifySections, writeSections } from './expanded-sections.ts';

export interface ActivationPorts {
  bucket: Pick<Bucket, 'get' | 'put'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  /** Undefined when it is unknown. */
  deployed?: Deployed | undefined;
  /** The number of slices into which nodes are cut: one for each shard. */
  slices: number;
  /** Names the code that runs. */
  release: string;
}

/** The text of the active configuration, beside the one that people upload. Another release expands this text anew. */
export const ACTIVE_KEY = 'config/active.yaml';
/** How often the sections are written anew: the bucket deletes objects that are older than a month. */
const REWRITTEN_MS = 24 * 3_600_000;
/** How often the digests are verified, because a section that no function reads may be damaged too. */
const VERIFIED_MS = 10 * 60_000;

/**
 * Activates an uploaded configuration. Only `plan` does so, so that a wrong upload stops no other function. It parses a
 * text only once: thirty thousand nodes take up to a second, and several seconds if the file has warnings. Resolves to
 * whether there is an active configuration: before the first valid upload there is none.
 */
export function createActivation(uploadedKey: string, ports: ActivationPorts): () => Promise<boolean> {
  const { bucket, clock, logger, meter, slices, release } = ports;
  let refused: { version: string; error: string } | undefined;
  let outdated: string | undefined;
  let gone: AcceptedFleet['gone'] = [];
  let verifiedAtMs = Number.NEGATIVE_INFINITY;

  /** The manifest, if its sections can stay. */
  async function manifestInForce(): Promise<Manifest | undefined> {
    const found = await readManifest(bucket);
    if (!found) return undefined;
    if (found.kind === 'unusable') {
      logger.warn('the active configuration is written again', { why: found.why });
      return undefined;
    }
    const { manifest } = found;
    const isOld = clock.nowMs() - manifest.writtenAtMs >= REWRITTEN_MS;
    if (isOld || manifest.release !== release || manifest.slices !== slices) return undefined;
    const corruption = await corruptionOf(manifest);
    if (corruption === undefined) return manifest;
    meter.count('config_errors_total');
    logger.error('the active configuration is written again', { why: corruption });
    return undefined;
  }

  /** Describes what is wrong with its sections. */
  async function corruptionOf(manifest: Manifest): Promise<string | undefined> {
    if (clock.nowMs() - verifiedAtMs < VERIFIED_MS) return undefined;
    try {
      await verifySections(bucket, manifest);
    } catch (error) {
      return describeError(error);
    }
    verifiedAtMs = clock.nowMs();
    return undefined;
  }

  /**
   * No text is valid for this release. Sections that another release wrote have the same format, so rounds continue
   * with them.
   */
  async function keepFormer(): Promise<boolean> {
    const found = await readManifest(bucket);
    if (found?.kind !== 'usable' || found.manifest.slices !== slices) return false;
    const corruption = await corruptionOf(found.manifest);
    if (corruption !== undefined) {
      logger.error('the sections of the last configuration cannot be read either', { why: corruption });
      return false;
    }
    const writtenAt = new Date(found.manifest.writtenAtMs).toISOString();
    logger.warn('rounds continue with the sections of the last configuration', { writtenAt });
    return true;
  }

  async function textOf(
    key: string,
    unless?: string,
  ): Promise<{ text: string; version: string } | undefined> {
    const found = await bucket.get(key, unless);
    return found && { text: new TextDecoder().decode(found.body), version: found.version };
  }

  async function enforce(config: Config, text: string, uploaded: string): Promise<void> {
    // The bucket keeps versions, so an equal text is not written again each day.
    if ((await textOf(ACTIVE_KEY))?.text !== text)
      await bucket.put(ACTIVE_KEY, Buffer.from(text), { contentType: 'application/yaml' });
    const made = { release, uploaded, writtenAtMs: clock.nowMs(), slices };
    await writeSections(bucket, expandConfig(config, slices), made);
    verifiedAtMs = clock.nowMs();
    logger.info('configuration in force', { version: uploaded });
  }

  /** @throws ConfigError when the file lacks too many nodes of the active one; sources of the inventory check their own */
  function checkNodes(config: Config, active: readonly string[] | undefined): AcceptedFleet {
    const nowMs = clock.nowMs();
    const verdict = checkRemoval({
      accepted: active && { nodes: active, gone },
      nodes: nodesOf(config),
      nowMs,
      mostPercent: config.removal?.mostPercent,
    });
    if (verdict.kind === 'accepted') return verdict.fleet;
    throw new ConfigError(
      `${uploadedKey} lacks too many nodes: ${removalText(verdict.refusal)}. Their alerts would end as removed. ` +
        'If they shall go, upload it with `removal: { mostPercent: 100 }`',
    );
  }

  /** Another release, or a much earlier plan, activated it: the uploaded one is wrong, or missing. */
  async function rewrite(): Promise<boolean> {
    const active = await textOf(ACTIVE_KEY, outdated);
    if (!active) return false;
    try {
      await enforce(parse(active.text, ACTIVE_KEY, clock.nowMs()), active.text, '');
      return true;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      outdated = active.version;
      meter.count('config_errors_total');
      logger.error('the active configuration is not valid for this release', { error: error.message });
      return false;
    }
  }

  return async () => {
    const inForce = await manifestInForce();
    const uploaded = await textOf(uploadedKey, refused?.version ?? inForce?.uploaded);
    if (uploaded && uploaded.version === inForce?.uploaded) refused = undefined;
    else if (uploaded) {
      try {
        const config = parse(uploaded.text, uploadedKey, clock.nowMs());
        // A text that is already active changes nothing: an upload comes after each deployment.
        const active = (await textOf(ACTIVE_KEY))?.text;
        const isActive = active === uploaded.text;
        if (!isActive) requireDeployed(config, uploadedKey, ports.deployed);
        const fleet = checkNodes(config, isActive ? nodesOf(config) : activeNodes(active, clock.nowMs()));
        await enforce(config, uploaded.text, uploaded.version);
        gone = fleet.gone;
        refused = undefined;
        return true;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        refused = { version: uploaded.version, error: error.message };
      }
    }
    if (refused) {
      // Counted in every round until somebody corrects it: an alarm reads this count.
      meter.count('config_errors_total');
      logger.error('the uploaded configuration is not valid; the former one stays active', {
        error: refused.error,
      });
    }
    return inForce !== undefined || (await rewrite()) || keepFormer();
  };
}

/** Undefined for a configuration that this release cannot read: then nothing is compared. */
function activeNodes(text: string | undefined, nowMs: number): string[] | undefined {
  if (text === undefined) return undefined;
  try {
    return nodesOf(parse(text, ACTIVE_KEY, nowMs));
  } catch {
    return undefined;
  }
}

function nodesOf({ clusters }: Config): string[] {
  return targetsOf(clusters).map(nodeName);
}

/** @throws ConfigError with all problems */
function parse(text: string, file: string, nowMs: number): Config {
  const result = parseConfig(text, { file, kinds: KINDS, baseDir: '/', nowMs });
  if (result.ok) {
    const problems = awsProblems(result.config);
    if (problems.length === 0) return result.config;
    throw new ConfigError(`${file} cannot run on AWS\n${problems.join('\n')}`);
  }
  const errors = result.problems.filter(({ severity }) => severity === 'error');
  const lines = errors.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
  throw new ConfigError(`${file} has ${errors.length} errors\n${lines.join('\n')}`);
}

/** @throws ConfigError with everything that cannot be deployed, or that is not deployed */
function requireDeployed(config: Config, file: string, deployed: Deployed | undefined): void {
  const problems = deployProblems(config);
  if (problems.length > 0) throw new ConfigError(`${file} cannot run on AWS\n${problems.join('\n')}`);
  const changes = deployed === undefined ? [] : undeployedChanges(config, deployed);
  if (changes.length > 0)
    throw new ConfigError(`${file} needs a deployment: deploy it\n${changes.join('\n')}`);
}
