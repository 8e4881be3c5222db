import { join } from 'node:path';
import { createAuditFile } from '../adapters/audit/file.ts';
import { createProber } from '../adapters/probes/prober.ts';
import type { Config } from '../core/config/types.ts';
import type { BatchObservation, Target } from '../core/model.ts';
import { planRound } from '../core/plan/plan.ts';
import type { Counters, Secrets } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { lockFolder } from '../local/lock.ts';
import { createLogger } from '../local/logger.ts';
import { createMeter } from '../local/meter.ts';
import { createSpinner } from './spinner.ts';

/**
 * Looks once at targets through their bastions, all due, and says on stderr how far it is if that is a terminal. Each
 * access is in the audit. @throws ConfigError for a key that cannot be used, or another command on the same folder
 */
export async function lookAtFleet(options: {
  config: Pick<Config, 'bastions' | 'clusters' | 'checks' | 'store'>;
  secrets: Secrets;
  targets: readonly Target[];
  quiet: boolean;
  secondLookMs?: number;
}): Promise<BatchObservation[]> {
  const { config, secrets, targets, secondLookMs } = options;
  const dir = join(config.store.path, 'cli');
  const lock = lockFolder(dir);
  const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'cli' });
  const prober = await createProber({
    config,
    secrets,
    audit,
    counters: memoryCounters(),
    clock: systemClock,
    logger: createLogger({ level: 'error', pretty: process.stderr.isTTY === true, redact: secrets.redact }),
    meter: createMeter(),
    knownHosts: join(config.store.path, 'known_hosts'),
    actor: `cli:${process.env.USER ?? 'unknown'}`,
    ...(secondLookMs !== undefined && { secondLookMs }),
  });
  const spinner = createSpinner(options);
  try {
    // Round 0 is a multiple of every interval: all checks are due.
    const { checks, bastions } = config;
    const planned = planRound({ roundMs: 0, checks, targets, bastions });
    const roundMs = systemClock.nowMs();
    const batches = planned.map((batch) => ({ ...batch, roundMs, expiresAtMs: Number.POSITIVE_INFINITY }));
    const done = batches.map(() => 0);
    spinner.start(`0 of ${targets.length} nodes`);
    return await Promise.all(
      batches.map((batch, i) =>
        prober.probe(batch, {
          onObservation(count) {
            done[i] = count;
            spinner.text = `${done.reduce((a, b) => a + b, 0)} of ${targets.length} nodes`;
          },
        }),
      ),
    );
  } finally {
    spinner.stop();
    await prober.close();
    await audit.close();
    lock.release();
  }
}

function memoryCounters(): Counters {
  const values = new Map<string, unknown>();
  return {
    load: async (key) => values.get(key),
    save: async (key, value) => void values.set(key, value),
  };
}
