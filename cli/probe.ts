import { Command } from 'commander';
import { createFileInventory } from '../adapters/inventory/file.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import { samplesOf } from '../core/parse/samples.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { probeShape } from './json-shapes.ts';
import { probeFleet } from './probe-fleet.ts';
import { probeTable } from './probe-table.ts';
import { selectTargets } from './select-targets.ts';

export function probeCommand(): Command {
  const command = new Command('probe')
    .description('Probe nodes once through their bastions, and print the result. Stores nothing.')
    .argument('[names...]', 'nodes, clusters or cluster/node; * and ? match')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'observations as JSON')
    .action(async (names: string[], options: { config: string; json?: boolean }) => {
      const config = await loadFleet(options.config);
      const secrets = secretsFor(options.config);
      const targets = selectTargets(await createFileInventory(config).list(), names);
      const observations = await probeFleet({
        config,
        secrets,
        targets,
        quiet: options.json === true,
        kind: 'probe',
      });
      print(observations, options.json === true);
      process.exitCode = observations.every(fine) ? 0 : 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan probe', 'all nodes'],
      ['bartizan probe prod-seoul', 'one cluster'],
      ["bartizan probe 'prod-*/etcd-?'", 'some nodes of some clusters'],
      ["bartizan probe --json | jq -r '.[].nodes[] | select(.ok | not) | .node'"],
    ],
    exits1: 'a node or bastion failed',
    json: probeShape,
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
  writeJson(probeShape, shown);
}
