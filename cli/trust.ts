import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';
import { Command } from 'commander';
import { createAuditFile } from '../adapters/audit/file.ts';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { learnHostKeys, type ShownKey } from '../adapters/ssh/trust.ts';
import type { AuditEntry } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { lockFolder } from '../local/lock.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import { selectTargets } from './select-targets.ts';
import { renderTable } from './table.ts';

export function trustCommand(): Command {
  return new Command('trust')
    .description('Learn the host keys of bastions and nodes, once, after showing their fingerprints.')
    .argument('[names...]', 'nodes, clusters or cluster/node; * and ? match')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('-y, --yes', 'accept every key of a host that has none yet, unseen')
    .option('--replace', 'let changed keys take the place of the pinned ones, after asking')
    .option('--json', 'as JSON; needs --yes to learn anything')
    .addHelpText(
      'after',
      `
Examples:
  $ bartizan trust                    asks for each new key
  $ bartizan trust --yes prod-seoul   on first use, in a network you trust
  $ bartizan trust --replace prod/n1  after a node was built anew

Compare fingerprints with \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` on the host. Keys are kept in
known_hosts in the data folder. Exit code 1 when a host could not be reached or a key was refused.`,
    )
    .action(
      async (
        names: string[],
        options: { config: string; yes?: boolean; replace?: boolean; json?: boolean },
      ) => {
        const { config } = await loadConfig(options.config);
        const dir = join(config.store.path, 'cli');
        const lock = lockFolder(dir);
        const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'cli' });
        const entries: AuditEntry[] = [];
        const asks = process.stdin.isTTY === true && !options.json;
        const terminal = asks ? createInterface({ input: process.stdin, output: process.stderr }) : undefined;
        const report = await learnHostKeys({
          config,
          targets: selectTargets(await createFileInventory(config).list(), names),
          secrets: secretsFor(options.config),
          knownHosts: join(config.store.path, 'known_hosts'),
          ask: (key) => decide(key, options, terminal),
          audit: (entry) => entries.push(entry),
          actor: `cli:${process.env.USER ?? 'unknown'}`,
          nowMs: systemClock.nowMs,
        }).finally(async () => {
          terminal?.close();
          await audit.append(entries);
          await audit.close();
          lock.release();
        });
        if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
        else {
          const rows = report.shown.map((key) => [
            key.what,
            key.address,
            key.type,
            key.fingerprint,
            key.outcome,
          ]);
          if (rows.length > 0)
            process.stdout.write(renderTable(['HOST', 'ADDRESS', 'TYPE', 'FINGERPRINT', ''], rows));
          for (const { what, detail } of report.failed) process.stdout.write(`${what}: ${detail}\n`);
        }
        const fine = report.failed.length === 0 && report.shown.every((key) => key.outcome !== 'refused');
        process.exitCode = fine ? 0 : 1;
      },
    );
}

async function decide(
  key: ShownKey,
  options: { yes?: boolean; replace?: boolean },
  terminal: Interface | undefined,
): Promise<boolean> {
  const is = `${key.what} (${key.address}) shows ${key.type} ${key.fingerprint}`;
  if (key.verdict === 'revoked') {
    process.stderr.write(`\nWARNING: ${is}, which is REVOKED in known_hosts. It is never accepted.\n\n`);
    return false;
  }
  if (key.verdict === 'changed') {
    process.stderr.write(
      `\nWARNING: the host key of ${key.what} has CHANGED.\n${is}\npinned is ${key.pinned.join(', ')}\n`,
    );
    process.stderr.write('Either the host was built anew, or somebody stands between it and us.\n');
    if (!options.replace) {
      process.stderr.write('Kept as it was; to accept the new key use --replace.\n\n');
      return false;
    }
    if (key.inConfiguration) {
      process.stderr.write(
        'The old key stands in the configuration; remove it there (`hostKeys`), or both are accepted.\n',
      );
    }
    // Never unseen: --yes is for hosts that have no key yet.
    return (
      terminal !== undefined && confirm(terminal, 'Replace the pinned key? Write "replace": ', 'replace')
    );
  }
  if (options.yes) return true;
  if (terminal === undefined) {
    process.stderr.write(`${is}: not learned, as nobody can be asked here; use --yes\n`);
    return false;
  }
  return confirm(terminal, `${is}\nTrust it? [y/N] `, 'y');
}

async function confirm(terminal: Interface, question: string, wanted: string): Promise<boolean> {
  return (await terminal.question(question)).trim().toLowerCase() === wanted;
}
