import type { Bucket } from '../adapters/aws/bucket.ts';
import { KINDS } from '../adapters/kinds.ts';
import { awsProblems } from '../core/config/on-aws.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { Config } from '../core/config/types.ts';
import { ConfigError } from '../core/errors.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';

/** The configuration in force, and what changes when it does. */
export interface Configuration {
  config: Config;
  version: string;
}

export interface ConfigurationPorts {
  bucket: Pick<Bucket, 'get' | 'put'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
  /** Bastions that a queue was deployed for; undefined where nobody knows. */
  bastions?: readonly string[] | undefined;
}

/** Beside the one that people upload. */
export const ACTIVE_KEY = 'config/active.yaml';
/** An uploaded change is in force after the next round is planned, and everywhere after so long. */
const KEPT_MS = 20_000;

/**
 * Reads the configuration that is in force: the last uploaded one that was right. Only `plan` makes an uploaded one the
 * active one (`activate`); so that a wrong one stops nothing, in whatever container.
 */
export function createConfiguration(uploadedKey: string, ports: ConfigurationPorts) {
  const { bucket, clock, logger, meter } = ports;
  let active: (Configuration & { readAtMs: number }) | undefined;
  let seenUpload: string | undefined;

  async function read(key: string, unless?: string): Promise<{ text: string; version: string } | undefined> {
    const found = await bucket.get(key, unless);
    return found && { text: new TextDecoder().decode(found.body), version: found.version };
  }

  return {
    /** @throws ConfigError when there is none, RetryableError */
    async load(): Promise<Configuration> {
      if (active && clock.nowMs() - active.readAtMs < KEPT_MS) return active;
      const found = await read(ACTIVE_KEY, active?.version);
      const first = found || active ? found : await read(uploadedKey);
      if (first)
        active = {
          config: parse(first.text, uploadedKey, clock.nowMs()),
          version: first.version,
          readAtMs: 0,
        };
      if (!active) throw new ConfigError(`there is no configuration: upload ${uploadedKey}`);
      active.readAtMs = clock.nowMs();
      return active;
    },

    /** Makes the uploaded configuration the active one if it is new and right; says what is wrong otherwise. */
    async activate(): Promise<void> {
      const uploaded = await read(uploadedKey, seenUpload);
      if (!uploaded) return;
      try {
        requireQueues(parse(uploaded.text, uploadedKey, clock.nowMs()), uploadedKey, ports.bastions);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        // Told at every round, until it is mended: an alarm hangs on it.
        meter.count('config_errors_total');
        logger.error('the uploaded configuration is wrong; the one before stays in force', {
          error: error.message,
        });
        return;
      }
      await bucket.put(ACTIVE_KEY, Buffer.from(uploaded.text), { contentType: 'application/yaml' });
      seenUpload = uploaded.version;
      active = undefined;
      logger.info('configuration in force', { version: uploaded.version });
    },
  };
}

/** @throws ConfigError that tells all problems */
function parse(text: string, file: string, nowMs: number): Config {
  const result = parseConfig(text, { file, kinds: KINDS, baseDir: '/', nowMs });
  if (result.ok) {
    const problems = awsProblems(result.config);
    if (problems.length === 0) return result.config;
    throw new ConfigError(`${file} cannot run on AWS\n${problems.join('\n')}`);
  }
  const errors = result.problems.filter(({ severity }) => severity === 'error');
  const told = errors.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
  throw new ConfigError(`${file} has ${errors.length} errors\n${told.join('\n')}`);
}

/** Nodes behind another bastion would be looked at by nobody. @throws ConfigError */
function requireQueues({ bastions }: Config, file: string, deployed: readonly string[] | undefined): void {
  const unknown = bastions.map(({ name }) => name).filter((name) => !(deployed ?? [name]).includes(name));
  if (unknown.length === 0) return;
  throw new ConfigError(`${file}: no queue was deployed for bastions ${unknown.join(', ')}; deploy it`);
}
