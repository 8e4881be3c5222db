import { Command, CommanderError } from 'commander';
import { ConfigError, describeError } from '../core/errors.ts';
import { alertsCommand } from './alerts.ts';
import { auditCommand } from './audit.ts';
import { catalogueCommand } from './catalogue.ts';
import { checkCommand } from './check.ts';
import { completeCommand, completionCommand } from './completion.ts';
import { dataCommand } from './data.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { execCommand } from './exec.ts';
import { initCommand } from './init.ts';
import { keysCommand } from './keys.ts';
import { kubeconfigCommand } from './kubeconfig.ts';
import { notifyTestCommand } from './notify-test.ts';
import { endQuietlyWithReader } from './output-lines.ts';
import { probeCommand } from './probe.ts';
import { queryCommand } from './query.ts';
import { routesCommand } from './routes-test.ts';
import { rulesCommand } from './rules-test.ts';
import { schemaCommand } from './schema.ts';
import { silenceCommand } from './silence.ts';
import { trustCommand } from './trust.ts';
import { tunnelCommand } from './tunnel.ts';
import { upCommand } from './up.ts';

export const VERSION = '0.1.0';

export function createProgram(): Command {
  const program = new Command('bartizan')
    .description('Watches Kubernetes control planes through their SSH bastion, without agents.')
    .version(VERSION)
    .showSuggestionAfterError()
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Start here:
  $ bartizan init                 write a commented bartizan.yaml
  $ bartizan check bartizan.yaml  report all its problems at once
  $ bartizan trust                learn the host keys of bastions and nodes, once
  $ bartizan check --connect      connect to everything in it; gives advice for what fails
  $ bartizan probe                probe every node once
  $ bartizan up                   monitor and alert

Completion for your shell: bartizan completion --help. All of this: docs/cli.md.

Exit codes: 0 fine, 1 something was found or failed, 2 wrong usage.`,
    );
  const commands = [
    initCommand(),
    checkCommand(),
    schemaCommand(),
    trustCommand(),
    keysCommand(),
    catalogueCommand(),
    probeCommand(),
    execCommand(),
    tunnelCommand(),
    kubeconfigCommand(),
    upCommand(),
    alertsCommand(),
    silenceCommand(),
    queryCommand(),
    auditCommand(),
    dataCommand(),
    deadLettersCommand(),
    notifyTestCommand(),
    rulesCommand(),
    routesCommand(),
    completionCommand(),
  ];
  for (const command of commands) program.addCommand(command.exitOverride());
  program.addCommand(completeCommand(createProgram).exitOverride(), { hidden: true });
  return program;
}

/**
 * A process cannot end while the system waits for a name server. So the resolver gives up a silent one after four
 * seconds, instead of ten or more (resolv.conf(5)).
 */
const RESOLVER = 'timeout:2 attempts:2';

/** They write the audit or state to the end, whoever reads what they print. */
const LASTING: readonly string[] = ['up', 'tunnel', 'exec'];

/** Runs one command line; sets the exit code and never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  process.env.RES_OPTIONS ??= RESOLVER;
  const program = createProgram();
  let ran: Command | undefined;
  program.hook('preAction', (_, command) => {
    ran = command;
    if (!LASTING.includes(command.name())) endQuietlyWithReader();
  });
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const more = ran?.options.some(({ long }) => long === '--log-level')
      ? '; `--log-level debug` shows more'
      : '';
    const hint = error instanceof ConfigError ? '' : `\n(this is not an error of the configuration${more})`;
    process.stderr.write(`bartizan: ${describeError(error)}${hint}\n`);
    process.exitCode = 1;
  }
}
