import { Argument, Command } from 'commander';
import { withNotes } from './command-notes.ts';
import { type Candidate, completeLine, type KnownNames } from './completion-candidates.ts';
import { completionScript, SHELLS, type Shell } from './completion-scripts.ts';
import { readConfig } from './config-file.ts';

const NOBODY: KnownNames = { clusters: [], nodes: [], bastions: [], channels: [], rules: [], commands: [] };
const DEFAULT_FILE = 'bartizan.yaml';

export function completionCommand(): Command {
  const command = new Command('completion')
    .description('Print a shell script that completes commands, options and names of the configuration.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell));
    });
  return withNotes(command, {
    examples: [
      ['source <(bartizan completion bash)', 'in ~/.bashrc'],
      ['source <(bartizan completion zsh)', 'in ~/.zshrc, below compinit'],
      ['bartizan completion fish > ~/.config/fish/completions/bartizan.fish'],
    ],
    text: 'The script reads names from the configuration after -c, or from ./bartizan.yaml, each time it completes.',
    exits1: 'never',
  });
}

/**
 * The scripts call this command. With an unreadable configuration there are no names, and no error appears while
 * somebody types.
 */
export function completeCommand(createProgram: () => Promise<Command>): Command {
  return new Command('__complete')
    .description('Print candidates for the last argument.')
    .argument('[words...]', 'arguments after the name of the program')
    .action(async (args: string[]) => {
      const names = () => namesIn(configIn(args));
      const completion = await completeLine(await createProgram(), args.length > 0 ? args : [''], names);
      process.stdout.write('files' in completion ? ':files\n' : completion.candidates.map(lineOf).join(''));
    });
}

function lineOf({ value, about, open }: Candidate): string {
  return `${[value, open ? ':' : '-', about].join('\t')}\n`;
}

function configIn(args: readonly string[]): string {
  const at = args.findIndex((token) => token === '-c' || token === '--config');
  const assigned = args.find((token) => token.startsWith('--config='))?.slice('--config='.length);
  return (at < 0 || at + 1 >= args.length - 1 ? undefined : args[at + 1]) ?? assigned ?? DEFAULT_FILE;
}

async function namesIn(file: string): Promise<KnownNames> {
  const result = await readConfig(file).catch(() => undefined);
  if (!result?.ok) return NOBODY;
  const { clusters, bastions, channels, rules, commands } = result.config;
  return {
    clusters: clusters.map(({ name }) => name),
    nodes: clusters.flatMap(({ name: cluster, nodes }) =>
      nodes.map(({ name, role }) => ({ cluster, name, role })),
    ),
    bastions: bastions.map(({ name }) => name),
    channels: channels.map(({ name }) => name),
    rules: rules.map(({ name }) => name),
    commands: commands.map(({ name }) => name),
  };
}
