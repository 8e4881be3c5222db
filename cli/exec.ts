import { join } from 'node:path';
import { Command } from 'commander';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { type HandRun, runByHand } from '../adapters/probes/command/run-by-hand.ts';
import { commandScript } from '../adapters/probes/command/script.ts';
import { needsOf } from '../adapters/probes/needs.ts';
import { loadSignatures, signatureFile } from '../adapters/signatures/signature-source.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { createPinnedKeys } from '../adapters/ssh/known-hosts-file.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { CommandConfig } from '../core/model/command.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import { nearest } from '../core/text/suggestions.ts';
import { visibleText } from '../core/text/visible-text.ts';
import { systemClock } from '../local/clock.ts';
import { withAccessAudit } from './access-audit.ts';
import { actorOf, parseAs } from './actor.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { execShape } from './exec-shape.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { watchStopSignals } from './stop-signals.ts';
import { bastionOf, oneTarget, THROUGH, through } from './tunnel.ts';

interface Options {
  config: string;
  bastion?: string;
  as?: string;
  json?: boolean;
}

/** As `ssh` ends when it could not run a command. */
const NOT_RUN = 255;
const MOST_NAMES = 20;

export function execCommand(): Command {
  const command = new Command('exec')
    .description('Run a script of the catalogue once on a node, through its bastion.')
    .argument('<node>', 'node or cluster/node')
    .argument('<command>', 'name of an entry of `commands`')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option(...THROUGH)
    .option('--as <name>', 'your name for the audit, beside the login name; nothing verifies it', parseAs)
    .option('--json', 'output and exit code as JSON')
    .action(async (node: string, name: string, options: Options) => {
      try {
        process.exitCode = await exec(node, name, options);
      } catch (error) {
        process.stderr.write(`bartizan: ${describeError(error)}\n`);
        process.exitCode = NOT_RUN;
      }
    });
  return withNotes(command, {
    examples: [
      ['bartizan exec prod-1 etcd-backups', 'what the script prints, and its exit code'],
      ['bartizan exec prod/prod-1 etcd-backups --as kim', 'the audit names kim beside the login name'],
      ['bartizan exec prod-1 etcd-backups --json | jq .exitCode'],
    ],
    text: `It runs nothing but the scripts of \`commands\`, as they are written there: without arguments, with an empty stdin. The line of
the node must have the script's hash (\`bartizan keys\`). What the script prints is shown up to its \`maxOutput\`, with control
characters as blanks; --json has it as it came. The audit has a line before the script starts, and one at its end.
Ctrl-C closes the session; a script that ignores that goes on to its time limit.`,
    exits1: 'the script ended with 1',
    exits: `those of the script; ${NOT_RUN} when it was not run, or did not end; 2 also for wrong usage (--json tells these apart)`,
    json: execShape,
  });
}

/** Returns the exit code. @throws ConfigError, and errors of the audit */
async function exec(node: string, name: string, options: Options): Promise<number> {
  const config = await loadFleet(options.config);
  const target = through(oneTarget(await createFileInventory(config).list(), node), options.bastion);
  const entry = entryFor(config, target, name);
  const secrets = secretsFor(options.config);
  const { signatures: written } = config;
  const signatures = written && (await loadSignatures(signatureFile(written.file)));
  const signals = watchStopSignals();
  const stopping = new AbortController();
  void signals.first.then(() => stopping.abort());
  try {
    const run = await withAccessAudit(config, (audit) =>
      runByHand(entry, {
        bastion: bastionOf(config, target),
        target,
        sessions: config.sessions,
        keyring: createKeyring(config, secrets),
        hostKeys: createPinnedKeys(join(config.store.path, 'known_hosts')),
        accessor: { kind: 'exec', ...actorOf(options.as) },
        nowMs: systemClock.nowMs,
        audit,
        signal: stopping.signal,
        signatures,
      }),
    );
    print(run, entry, target, options.json === true);
    return run.exitCode ?? NOT_RUN;
  } finally {
    signals.release();
  }
}

/** @throws ConfigError for a name that is not in the catalogue, or not for this node */
function entryFor({ checks, commands }: Config, target: Target, name: string): CommandConfig {
  const entry = commands.find((candidate) => candidate.name === name);
  if (!entry) {
    const names = commands.map((one) => one.name);
    throw new ConfigError(`there is no command ${name}; ${namesOf(names)}${meantBy(name, names)}`);
  }
  const { sha256 } = commandScript(entry);
  if (!needsOf(checks, [target], commands).scripts.some((script) => script.sha256 === sha256)) {
    const where = `${target.cluster}/${target.node} (role ${target.role})`;
    throw new ConfigError(
      `command ${name} is not for ${where}: neither its \`where\` nor a check that runs it selects that node`,
    );
  }
  return entry;
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return 'the configuration has no `commands`';
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `there are ${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}

function meantBy(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function print(run: HandRun, entry: CommandConfig, target: Target, json: boolean): void {
  const { exitCode, failure, stdout, stderr } = run;
  if (json) {
    const { name: script, sha256 } = commandScript(entry);
    const { cluster, node } = target;
    writeJson(execShape, {
      cluster,
      node,
      command: entry.name,
      script,
      sha256,
      ...(exitCode !== undefined && { exitCode }),
      ...(failure && { failure }),
      stdout,
      stderr,
    });
  } else {
    process.stdout.write(visibleText(stdout));
    process.stderr.write(visibleText(stderr));
  }
  if (failure === undefined) return;
  const where =
    failure.phase === 'bastion' ? `bastion ${target.bastion}` : `${target.cluster}/${target.node}`;
  const rest = stderr === '' || stderr.endsWith('\n') || json ? '' : '\n';
  process.stderr.write(`${rest}bartizan: ${where}: ${failure.detail}\n`);
}
