import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { createAuditFile } from '../adapters/audit/file.ts';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { learnHostKeys, type TrustReport } from '../adapters/ssh/trust.ts';
import type { Config } from '../core/config/types.ts';
import type { Target } from '../core/model.ts';
import type { AuditEntry } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { lockFolder } from '../local/lock.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { trustShape } from './json-shapes.ts';
import { selectTargets } from './select-targets.ts';
import { createSpinner } from './spinner.ts';
import { renderTable } from './table.ts';
import { createAsk } from './trust-questions.ts';

interface Options {
  config: string;
  yes?: boolean;
  replace?: boolean;
  json?: boolean;
}

export function trustCommand(): Command {
  const command = new Command('trust')
    .description('Learn the host keys of bastions and nodes, once, after showing their fingerprints.')
    .argument('[names...]', 'nodes, clusters or cluster/node; * and ? match')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('-y, --yes', 'accept every key of a host that has none yet, unseen')
    .option('--replace', 'let changed keys take the place of the pinned ones, after asking')
    .option('--json', 'as JSON; needs --yes to learn anything')
    .action(async (names: string[], options: Options) => {
      const config = await loadFleet(options.config);
      const targets = selectTargets(await createFileInventory(config).list(), names);
      const report = await learn(config, targets, options);
      if (options.json) writeJson(trustShape, report);
      else process.stdout.write(reportText(report));
      const fine = report.failed.length === 0 && report.shown.every((key) => key.outcome !== 'refused');
      process.exitCode = fine ? 0 : 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan trust', 'asks for each new key; "all" accepts those that follow'],
      ['bartizan trust --yes prod-seoul', 'on first use, in a network you trust'],
      ['bartizan trust --replace prod/n1', 'after a node was built anew'],
      ["bartizan trust --yes --json | jq -r '.failed[] | [.what, .reason, .detail] | @tsv'"],
    ],
    text: `Compare fingerprints with \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` on the host. Keys are kept in
known_hosts in the data folder, written once in the end; what is known already is not asked again. Where some hosts
fail the others are learned all the same.`,
    exits1: 'a host could not be reached, or a key was refused',
    json: trustShape,
  });
}

/** With the folder locked, and every look in the audit, also of what ends early. */
async function learn(config: Config, targets: readonly Target[], options: Options): Promise<TrustReport> {
  const dir = join(config.store.path, 'cli');
  const lock = lockFolder(dir);
  const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'cli' });
  const entries: AuditEntry[] = [];
  const asks = process.stdin.isTTY === true && !options.json;
  const terminal = asks ? createInterface({ input: process.stdin, output: process.stderr }) : undefined;
  const spinner = createSpinner({ quiet: options.json === true });
  const ask = createAsk(options, terminal, (text) => void process.stderr.write(text));
  spinner.start('looking at bastions');
  try {
    return await learnHostKeys({
      config,
      targets,
      secrets: secretsFor(options.config),
      knownHosts: join(config.store.path, 'known_hosts'),
      ask: (key) => {
        spinner.stop();
        return ask(key);
      },
      onLooked: (done, total) => {
        if (!spinner.isSpinning) spinner.start();
        spinner.text = `${done} of ${total} nodes`;
      },
      audit: (entry) => entries.push(entry),
      actor: `cli:${process.env.USER ?? 'unknown'}`,
      nowMs: systemClock.nowMs,
    });
  } finally {
    spinner.stop();
    terminal?.close();
    await audit.append(entries);
    await audit.close();
    lock.release();
  }
}

/** What is new or wrong, a row each; what was known already is a number. Then what failed, and why. */
function reportText({ shown, failed }: TrustReport): string {
  const rows = shown
    .filter(({ outcome }) => outcome !== 'already known')
    .map((key) => [key.what, key.address, key.type, key.fingerprint, key.outcome]);
  const counts = (['learned', 'already known', 'refused'] as const)
    .map((outcome) => [shown.filter((key) => key.outcome === outcome).length, outcome] as const)
    .map(([count, outcome]) => (count > 0 ? `${count} ${outcome}` : ''));
  const parts = [
    rows.length > 0 ? renderTable(['HOST', 'ADDRESS', 'TYPE', 'FINGERPRINT', ''], rows) : '',
    failed.length > 0
      ? renderTable(
          ['FAILED', 'ADDRESS', 'REASON', ''],
          failed.map(({ what, address, reason, detail }) => [what, address, reason, detail]),
        )
      : '',
    `${[...counts, failed.length > 0 ? `${failed.length} failed` : ''].filter((text) => text !== '').join(', ') || 'nothing to look at'}\n`,
  ];
  return parts.filter((text) => text !== '').join('\n');
}
