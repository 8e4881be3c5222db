import { join } from 'node:path';
import { Command } from 'commander';
import ora from 'ora';
import { createAuditFile } from '../adapters/audit/file.ts';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { createProber } from '../adapters/probes/prober.ts';
import type { BatchObservation } from '../core/model.ts';
import { samplesOf } from '../core/parse/samples.ts';
import { planRound } from '../core/plan/plan.ts';
import type { Counters } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { lockFolder } from '../local/lock.ts';
import { createLogger } from '../local/logger.ts';
import { createMeter } from '../local/meter.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import { probeTable } from './probe-table.ts';
import { selectTargets } from './select-targets.ts';

export function probeCommand(): Command {
  return new Command('probe')
    .description('Look once at nodes through their bastions, and print what they say. Stores nothing.')
    .argument('[names...]', 'nodes, clusters or cluster/node; * and ? match')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'observations as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ bartizan probe                     all nodes
  $ bartizan probe prod-seoul          one cluster
  $ bartizan probe 'prod-*/etcd-?'     some nodes of some clusters

Exit code 1 when a node or bastion failed.`,
    )
    .action(async (names: string[], options: { config: string; json?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const secrets = secretsFor(options.config);
      const dir = join(config.store.path, 'cli');
      const lock = lockFolder(dir);
      const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'cli' });
      const prober = await createProber({
        config,
        secrets,
        audit,
        counters: memoryCounters(),
        clock: systemClock,
        logger: createLogger({
          level: 'error',
          pretty: process.stderr.isTTY === true,
          redact: secrets.redact,
        }),
        meter: createMeter(),
        knownHosts: join(config.store.path, 'known_hosts'),
        actor: `cli:${process.env.USER ?? 'unknown'}`,
      });
      try {
        const targets = selectTargets(await createFileInventory(config).list(), names);
        // Round 0 is a multiple of every interval: all checks are due.
        const nowMs = systemClock.nowMs();
        const batches = planRound({
          roundMs: 0,
          checks: config.checks,
          targets,
          bastions: config.bastions,
        }).map((batch) => ({ ...batch, roundMs: nowMs, expiresAtMs: Number.POSITIVE_INFINITY }));
        const shown = process.stderr.isTTY === true && !options.json;
        const spinner = ora({
          stream: process.stderr,
          isEnabled: shown,
          isSilent: !shown,
        });
        const done = batches.map(() => 0);
        spinner.start(`0 of ${targets.length} nodes`);
        const observations = await Promise.all(
          batches.map((batch, i) =>
            prober.probe(batch, {
              onObservation(count) {
                done[i] = count;
                spinner.text = `${done.reduce((a, b) => a + b, 0)} of ${targets.length} nodes`;
              },
            }),
          ),
        );
        spinner.stop();
        print(observations, options.json === true);
        process.exitCode = observations.every(fine) ? 0 : 1;
      } finally {
        await prober.close();
        await audit.close();
        lock.release();
      }
    });
}

function fine(observation: BatchObservation): boolean {
  return observation.bastion.ok && observation.observations.every((o) => o.result.ok);
}

function print(observations: readonly BatchObservation[], json: boolean): void {
  if (!json) {
    process.stdout.write(probeTable(observations));
    return;
  }
  const shown = observations.map((observation) => ({
    bastion: { name: observation.batch.bastion, ...observation.bastion },
    nodes: observation.observations.map(({ target, check, observedAtMs, durationMs, result }) => ({
      cluster: target.cluster,
      node: target.node,
      role: target.role,
      check,
      observedAt: new Date(observedAtMs).toISOString(),
      durationMs,
      ...result,
    })),
    samples: samplesOf(observation),
  }));
  process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
}

function memoryCounters(): Counters {
  const values = new Map<string, unknown>();
  return {
    load: async (key) => values.get(key),
    save: async (key, value) => void values.set(key, value),
  };
}
