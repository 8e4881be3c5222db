import { Command } from 'commander';
import { bundleConfig } from '../core/config/bundle.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';

export function bundleCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const command = new Command('bundle')
    .description('Print the configuration with its included files as one file, for example to upload it.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .action(async (options: { config: string }) => {
      const { source } = await loadConfig(options.config);
      stdout.write(bundleConfig(source.text, source.included));
    });
  return withNotes(command, {
    examples: [['bartizan bundle > whole.yaml', '`npm run deploy` does the same before it uploads']],
    text: `The files of \`clusters.include\` become a list, one cluster a line, as JSON; comments in them are lost. All else stays as it
is written. References to secrets are not resolved.`,
    exits1: 'the configuration cannot be read, or has an error',
  });
}
