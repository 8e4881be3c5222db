import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { learnHostKeys, type TrustReport } from '../adapters/ssh/trust.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import type { Audit } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { withAccessAudit } from './access-audit.ts';
import { actorOf } from './actor.ts';
import { createAuditRecorder } from './audit-recorder.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { trustShape } from './json-shapes.ts';
import { selectTargets } from './select-targets.ts';
import { createSpinner } from './spinner.ts';
import { renderTable } from './table.ts';
import { createAsk } from './trust-questions.ts';

export interface TrustOptions {
  yes?: boolean;
  replace?: boolean;
  fingerprint: ReadonlySet<string>;
  json?: boolean;
}

interface Options extends TrustOptions {
  config: string;
}

export function trustCommand(): Command {
  const command = new Command('trust')
    .description('Show the fingerprints of bastions and nodes, and learn their host keys.')
    .argument('[names...]', 'nodes, clusters or cluster/node; * and ? match')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('-y, --yes', 'accept every key of a host that has none yet, without asking')
    .option('--replace', 'replace pinned keys by changed ones, after asking or by --fingerprint')
    .addOption(
      new Option('--fingerprint <SHA256:…>', 'accept this key without asking; may be given several times')
        .argParser(addFingerprint)
        .default(new Set<string>(), 'none'),
    )
    .option('--json', 'print JSON; learns keys only with --yes or --fingerprint')
    .action(async (names: string[], options: Options) => {
      const config = await loadFleet(options.config);
      const fleet = await createFileInventory(config).list();
      const nodes = { fleet, targets: selectTargets(fleet, names) };
      const report = await trustHosts(config, nodes, options);
      if (options.json) writeJson(trustShape, report);
      else process.stdout.write(trustReportText(report));
      const fine = report.failed.length === 0 && report.shown.every((key) => key.outcome !== 'refused');
      process.exitCode = fine ? 0 : 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan trust', 'asks for each new key; "all" accepts all further ones'],
      ['bartizan trust --yes prod-seoul', 'on first use, in a network you trust'],
      ['bartizan trust --replace prod/n1', 'after a node was rebuilt'],
      [
        'bartizan trust --replace --fingerprint SHA256:… prod/n1',
        'the same without a terminal, for example in a playbook',
      ],
      ["bartizan trust --yes --json | jq -r '.failed[] | [.what, .reason, .detail] | @tsv'"],
    ],
    text: `Compare fingerprints with \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` on the host. The command
writes known_hosts in the data folder once, at its end, and does not ask about known keys. When some hosts fail, it
still learns the keys of the others. docs/host-keys.md describes how known_hosts is read and changed.`,
    exits1: 'a host could not be reached, or a key was refused',
    json: trustShape,
  });
}

/**
 * Adds a fingerprint in the format of `ssh-keygen -l`, with or without the padding of base64.
 * @throws InvalidArgumentError
 */
export function addFingerprint(text: string, others: ReadonlySet<string>): ReadonlySet<string> {
  const fingerprint = text.trim().replace(/=+$/, '');
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(fingerprint))
    throw new InvalidArgumentError(
      'It is SHA256: and 43 characters: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host prints it.',
    );
  return new Set([...others, fingerprint]);
}

const write = (text: string) => void process.stderr.write(text);

interface Nodes {
  fleet: readonly Target[];
  targets: readonly Target[];
}

/**
 * Asks on the terminal where the options do not decide, and writes each scan into the audit when it ends. Ctrl-C during a
 * scan ends the process, as connections would keep it alive until their deadlines.
 */
export async function trustHosts(config: Config, nodes: Nodes, options: Options): Promise<TrustReport> {
  const stop = new AbortController();
  try {
    return await withAccessAudit(config, (audit) => learn(config, nodes, options, audit, stop));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    write(`bartizan: ${describeError(error)}\n`);
    process.exit(1);
  }
}

async function learn(
  config: Config,
  nodes: Nodes,
  options: Options,
  audit: Audit,
  stop: AbortController,
): Promise<TrustReport> {
  const { record, written } = createAuditRecorder(audit);
  const asks = process.stdin.isTTY === true && !options.json;
  const terminal = asks ? createInterface({ input: process.stdin, output: process.stderr }) : undefined;
  // readline turns Ctrl-C into an event, also while nothing is asked.
  terminal?.on('SIGINT', () =>
    stop.abort(
      new ConfigError('stopped; keys that were accepted before are learned, `bartizan trust` goes on'),
    ),
  );
  const spinner = createSpinner({ quiet: options.json === true });
  const ask = createAsk({ ...options, fingerprints: options.fingerprint }, terminal, write);
  spinner.start('reading host keys');
  try {
    const report = await learnHostKeys({
      config,
      ...nodes,
      secrets: secretsFor(options.config),
      knownHosts: join(config.store.path, 'known_hosts'),
      ask: (key) => {
        spinner.stop();
        return ask(key);
      },
      onScanned: (done, total) => {
        if (!spinner.isSpinning) spinner.start();
        spinner.text = `${done} of ${total} nodes`;
      },
      audit: record,
      ...actorOf(),
      nowMs: systemClock.nowMs,
      stop: stop.signal,
    });
    const seen = new Set(report.shown.map(({ fingerprint }) => fingerprint));
    for (const fingerprint of options.fingerprint)
      if (!seen.has(fingerprint)) write(`no scanned host has ${fingerprint}\n`);
    return report;
  } finally {
    spinner.stop();
    terminal?.close();
    await written();
  }
}

/** A row for each key that is new or wrong, and the number of known keys; then the failures. */
export function trustReportText({ shown, failed }: TrustReport): string {
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
    `${[...counts, failed.length > 0 ? `${failed.length} failed` : ''].filter((text) => text !== '').join(', ') || 'nothing to scan'}\n`,
  ];
  return parts.filter((text) => text !== '').join('\n');
}
