import { Command, CommanderError } from 'commander';
import { ConfigError, describeError } from '../core/errors.ts';
import manifest from '../package.json' with { type: 'json' };
import { endQuietlyWithReader } from './output-lines.ts';

/** Each command, in the order of the help. A file is loaded when its command runs: all of them take half a second. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.ts')).initCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  bundle: async () => (await import('./bundle.ts')).bundleCommand(),
  schema: async () => (await import('./schema.ts')).schemaCommand(),
  trust: async () => (await import('./trust.ts')).trustCommand(),
  keys: async () => (await import('./keys.ts')).keysCommand(),
  catalogue: async () => (await import('./catalogue.ts')).catalogueCommand(),
  probe: async () => (await import('./probe.ts')).probeCommand(),
  exec: async () => (await import('./exec.ts')).execCommand(),
  tunnel: async () => (await import('./tunnel.ts')).tunnelCommand(),
  kubeconfig: async () => (await import('./kubeconfig.ts')).kubeconfigCommand(),
  up: async () => (await import('./up.ts')).upCommand(),
  'log-level': async () => (await import('./log-level.ts')).logLevelCommand(),
  reload: async () => (await import('./reload.ts')).reloadCommand(),
  alerts: async () => (await import('./alerts.ts')).alertsCommand(),
  coverage: async () => (await import('./coverage.ts')).coverageCommand(),
  silence: async () => (await import('./silence.ts')).silenceCommand(),
  token: async () => (await import('./token.ts')).tokenCommand(),
  query: async () => (await import('./query.ts')).queryCommand(),
  audit: async () => (await import('./audit.ts')).auditCommand(),
  data: async () => (await import('./data.ts')).dataCommand(),
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  'notify-test': async () => (await import('./notify-test.ts')).notifyTestCommand(),
  rules: async () => (await import('./rules-test.ts')).rulesCommand(),
  backtest: async () => (await import('./backtest.ts')).backtestCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  routes: async () => (await import('./routes-test.ts')).routesCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(),
};
/** The scripts of `completion` call it. */
const COMPLETE = '__complete';
/** Options of the program itself that need no command. */
const VERSION_OPTIONS = ['-V', '--version'];

/** The program with these commands; default: with all of them. */
export async function createProgram(
  names: readonly string[] = [...Object.keys(COMMANDS), COMPLETE],
): Promise<Command> {
  const program = new Command('bartizan')
    .description('Watches Kubernetes control planes through their SSH bastion, without agents.')
    .version(manifest.version)
    .showSuggestionAfterError()
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Start here:
  $ bartizan init                 ask for a bastion and a node; do the next four
  $ bartizan check                report all problems of bartizan.yaml at once
  $ bartizan trust                learn the host keys of bastions and nodes
  $ bartizan check --connect      connect to everything in it; explain failures
  $ bartizan probe                probe every node once
  $ bartizan up                   monitor and alert

Completion for your shell: bartizan completion --help. All of this: docs/cli.md.

Exit codes: 0 fine, 1 something was found or failed, 2 wrong usage.`,
    );
  const loading = Object.entries(COMMANDS).filter(([name]) => names.includes(name));
  for (const command of await Promise.all(loading.map(([, load]) => load())))
    program.addCommand(command.exitOverride());
  if (names.includes(COMPLETE)) {
    const { completeCommand } = await import('./completion.ts');
    program.addCommand(completeCommand(createProgram).exitOverride(), { hidden: true });
  }
  return program;
}

/**
 * A process cannot end while the system waits for a name server. So the resolver gives up a silent one after four
 * seconds, instead of ten or more (resolv.conf(5)).
 */
const RESOLVER = 'timeout:2 attempts:2';

/** They write the audit or state to the end, whoever reads what they print. */
const LASTING: readonly string[] = ['up', 'tunnel', 'exec'];

/** The commands that a command line with this first argument needs: all of them where it may print a list. */
function commandsFor(first: string | undefined): string[] | undefined {
  if (first === undefined) return undefined;
  if (VERSION_OPTIONS.includes(first)) return [];
  return Object.hasOwn(COMMANDS, first) || first === COMPLETE ? [first] : undefined;
}

/** Runs one command line; sets the exit code and never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  process.env.RES_OPTIONS ??= RESOLVER;
  const program = await createProgram(commandsFor(argv[2]));
  let ran: Command | undefined;
  program.hook('preAction', (_, command) => {
    ran = command;
    if (!LASTING.includes(command.name())) endQuietlyWithReader();
  });
  program.on('beforeAllHelp', () => endQuietlyWithReader());
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
