import { Command } from 'commander';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { ConfigError } from '../core/errors.ts';
import type { Cost } from '../core/model/cost.ts';
import type { BatchObservation } from '../core/model/observation.ts';
import { samplesOf } from '../core/parse/samples.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { costTable } from './cost-table.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { probeShape } from './json-shapes.ts';
import { probeFleet } from './probe-fleet.ts';
import { probeTable } from './probe-table.ts';
import { selectTargets } from './select-targets.ts';

/** They are measured one after the other, each for some seconds. */
const MOST_MEASURED = 16;

export function probeCommand(): Command {
  const command = new Command('probe')
    .description('Probe nodes once through their bastions, and print the result. Stores nothing.')
    .argument('[names...]', 'nodes, clusters or cluster/node; * and ? match')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'observations as JSON')
    .option(
      '--cost',
      `then measure what each check costs: CPU of the node, its sshd and us, and bytes; for ${MOST_MEASURED} nodes at most`,
    )
    .action(async (names: string[], options: { config: string; json?: boolean; cost?: boolean }) => {
      const config = await loadFleet(options.config);
      const secrets = secretsFor(options.config);
      const targets = selectTargets(await createFileInventory(config).list(), names);
      if (options.cost && targets.length > MOST_MEASURED)
        throw new ConfigError(
          `--cost is for ${MOST_MEASURED} nodes at most, and these are ${targets.length}: name some of them`,
        );
      const costs: Cost[] = [];
      const observations = await probeFleet({
        config,
        secrets,
        targets,
        quiet: options.json === true,
        kind: 'probe',
        ...(options.cost && { onCost: (cost) => void costs.push(cost) }),
      });
      if (options.json) printJson(observations, options.cost ? costs : undefined);
      else {
        process.stdout.write(probeTable(observations));
        if (options.cost) process.stdout.write(`\n${costTable(costs)}`);
      }
      process.exitCode = observations.every(isProbed) ? 0 : 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan probe', 'all nodes'],
      ['bartizan probe prod-seoul', 'one cluster'],
      ["bartizan probe 'prod-*/etcd-?'", 'some nodes of some clusters'],
      ['bartizan probe --cost prod-seoul/etcd-1', 'what the checks of a node cost'],
      ["bartizan probe --json | jq -r '.[].nodes[] | select(.ok | not) | .node'"],
    ],
    text: `With --cost each check runs ten times more in one session with its node; the figures are the means of a run. CPU of the node is what
its system counts for the sshd processes of our session, and for the commands that they run, read by a script that only
this option sends (the lines of \`bartizan keys\` permit it). "(login)" is a new session. TO NODE and FROM NODE are bytes that
pass through the bastion, SENT and RECEIVED those between us and the bastion. docs/control-planes.md says what is left out.`,
    exits1: 'a node or bastion failed',
    json: probeShape,
  });
}

/** Whether the bastion and each check on each node succeeded. */
export function isProbed(observation: BatchObservation): boolean {
  return observation.bastion.ok && observation.observations.every((o) => o.result.ok);
}

function printJson(observations: readonly BatchObservation[], costs: readonly Cost[] | undefined): void {
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
    ...(costs && {
      costs: costs
        .filter(({ target }) => observation.batch.targets.includes(target))
        .map(({ target: { cluster, node }, node: tunnels, wire, nodeCpu, ...rest }) => ({
          cluster,
          node,
          ...rest,
          nodeCpu: cpuOf(nodeCpu),
          tunnels,
          wire,
        })),
    }),
  }));
  writeJson(probeShape, shown);
}

function cpuOf(cpu: Cost['nodeCpu']) {
  if (!cpu.isKnown) return { unknown: cpu.why };
  const { sshdMs, commandsMs, isLeast } = cpu;
  return { sshdMs, commandsMs, ...(isLeast && { atLeast: true }) };
}
