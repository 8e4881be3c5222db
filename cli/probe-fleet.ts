import { join } from 'node:path';
import { createProber } from '../adapters/probes/prober.ts';
import { signatureFile } from '../adapters/signatures/signature-source.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Config } from '../core/model/config.ts';
import type { Cost } from '../core/model/cost.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import { planRound } from '../core/plan/plan.ts';
import type { Audit, Counters, Secrets } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { createLogger } from '../local/logger.ts';
import { createMeter } from '../local/meter.ts';
import { withAccessAudit } from './access-audit.ts';
import { actorOf } from './actor.ts';
import { createSpinner } from './spinner.ts';

interface FleetProbe {
  config: Pick<Config, 'bastions' | 'clusters' | 'checks' | 'sessions' | 'store' | 'signatures' | 'audit'>;
  secrets: Secrets;
  targets: readonly Target[];
  quiet: boolean;
  /** Which command it is for. */
  kind: 'probe' | 'check';
  resampleAfterMs?: number;
  /** Measure what the checks cost, too: see `ProbeOptions`. */
  onCost?: (cost: Cost) => void;
}

/**
 * Probes targets once through their bastions with all checks. Shows the progress on stderr if that is a terminal, and
 * writes each access into the audit.
 * @throws ConfigError when a key cannot be used, or the audit cannot be written
 */
export async function probeFleet(options: FleetProbe): Promise<BatchObservation[]> {
  return withAccessAudit(options.config, (audit) => probe(options, audit));
}

async function probe(
  { config, secrets, targets, quiet, kind, resampleAfterMs, onCost }: FleetProbe,
  audit: Audit,
): Promise<BatchObservation[]> {
  const prober = await createProber({
    config,
    secrets,
    audit,
    counters: memoryCounters(),
    clock: systemClock,
    logger: createLogger({ level: 'error', pretty: process.stderr.isTTY === true, redact: secrets.redact }),
    meter: createMeter(),
    knownHosts: join(config.store.path, 'known_hosts'),
    signatures: config.signatures && signatureFile(config.signatures.file),
    kind,
    ...actorOf(),
    ...(resampleAfterMs !== undefined && { resampleAfterMs }),
  });
  const spinner = createSpinner({ quiet });
  try {
    // Round 0 is a multiple of every interval, so all checks are due.
    const { checks, bastions } = config;
    const round = planRound({ roundMs: 0, checks, targets, bastions });
    const planned = kind === 'check' ? round.flatMap((batch) => byEachBastion(batch, bastions)) : round;
    const roundMs = systemClock.nowMs();
    const unbounded = { intervalMs: Number.POSITIVE_INFINITY, expiresAtMs: Number.POSITIVE_INFINITY };
    const batches = planned.map((batch) => ({ ...batch, roundMs, ...unbounded }));
    const done = batches.map(() => 0);
    spinner.start(`0 of ${targets.length} nodes`);
    const results: BatchObservation[] = [];
    const probeOne = async (i: number) => {
      results[i] = await prober.probe(batches[i] as (typeof batches)[number], {
        ...(onCost && { onCost }),
        onObservation(count) {
          done[i] = count;
          spinner.text = `${done.reduce((a, b) => a + b, 0)} of ${targets.length} nodes`;
        },
      });
    };
    // Another batch would use CPU of ours while one is measured.
    if (onCost) for (const i of batches.keys()) await probeOne(i);
    else await Promise.all(batches.map((_, i) => probeOne(i)));
    return results;
  } finally {
    spinner.stop();
    await prober.close();
  }
}

/** Each bastion of a batch is checked by itself. One whose key cannot be used is left out. */
function byEachBastion(
  { otherBastions = [], checksBastions: _checks, ...batch }: Batch,
  bastions: Config['bastions'],
): Batch[] {
  const others = otherBastions.filter((name) => bastions.some((bastion) => bastion.name === name));
  return [batch, ...others.map((bastion) => ({ ...batch, bastion }))];
}

function memoryCounters(): Counters {
  const values = new Map<string, unknown>();
  return {
    load: async (key) => values.get(key),
    save: async (key, value) => void values.set(key, value),
  };
}
