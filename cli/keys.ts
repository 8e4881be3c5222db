import { Command } from 'commander';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { PROBES } from '../adapters/probes/registry.ts';
import { bastionKeyLine, nodeKeyLine } from '../adapters/ssh/authorized-keys.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { keysShape } from './json-shapes.ts';

export function keysCommand(): Command {
  const command = new Command('keys')
    .description('Print the authorized_keys lines that let our keys do what probing needs, and nothing else.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'as JSON')
    .action(async (options: { config: string; json?: boolean }) => {
      const config = await loadFleet(options.config);
      const targets = await createFileInventory(config).list();
      const keyring = createKeyring(config, secretsFor(options.config));
      const scripts = PROBES.map((probe) => probe.script);
      const bastions = [];
      for (const { name, user, host } of config.bastions) {
        const behind = targets.filter((target) => target.bastion === name);
        bastions.push({ name, user, host, line: bastionKeyLine(await keyring.ofBastion(name), behind) });
      }
      const clusters = [];
      for (const { name, nodes } of config.clusters) {
        const users = [...new Set(nodes.map((node) => node.user))];
        clusters.push({ name, users, line: nodeKeyLine(await keyring.ofCluster(name), scripts) });
      }
      if (options.json) {
        writeJson(keysShape, { bastions, clusters });
        return;
      }
      for (const { name, user, host, line } of bastions) {
        process.stdout.write(`# bastion ${name}: ~${user}/.ssh/authorized_keys on ${host}\n${line}\n\n`);
      }
      for (const { name, users, line } of clusters) {
        process.stdout.write(`# nodes of ${name}: authorized_keys of ${users.join(', ')}\n${line}\n\n`);
      }
    });
  return withNotes(command, {
    examples: [
      ['bartizan keys', 'a line for each bastion, and for the nodes of each cluster'],
      [
        "bartizan keys --json | jq -r '.bastions[0].line' | ssh admin@gate 'cat >>~probe/.ssh/authorized_keys'",
      ],
    ],
    text: `The line of a bastion names every node: print it again when nodes come or go. That of nodes names the hash of the
script: put the line of the next release beside it before you upgrade.`,
    exits1: 'the configuration or a key cannot be used',
    json: keysShape,
  });
}
