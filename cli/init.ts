import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Command } from 'commander';
import { ConfigError } from '../core/errors.ts';
import { withNotes } from './command-notes.ts';
import { SCHEMA_FILE, schemaText } from './schema.ts';
import { STARTER } from './starter.ts';

export function initCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const command = new Command('init')
    .description(
      'Write a configuration with comments to start from, and its JSON Schema for editors beside it.',
    )
    .argument('[file]', 'where to', 'bartizan.yaml')
    .option('-f, --force', 'overwrite an existing file')
    .action(async (file: string, options: { force?: boolean }) => {
      await writeStarter(file, options.force === true);
      const option = file === 'bartizan.yaml' ? '' : ` -c ${file}`;
      stdout.write(`wrote ${file}, and ${SCHEMA_FILE} beside it for completion and checks in editors

Next:
  1. write your bastion and nodes into the file
  2. bartizan check ${file}
  3. bartizan trust${option}    learn the host keys, once
  4. bartizan probe${option}    probe every node once
  5. bartizan up${option}
`);
    });
  return withNotes(command, {
    examples: [['bartizan init'], ['bartizan init /etc/bartizan/bartizan.yaml']],
    exits1: 'the file exists or cannot be written',
  });
}

/** @throws ConfigError when the file exists, or its folder does not */
async function writeStarter(file: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, STARTER, { flag: force ? 'w' : 'wx' });
    await writeFile(join(dirname(file), SCHEMA_FILE), schemaText());
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === 'EEXIST') throw new ConfigError(`${file} exists; --force overwrites it`);
    if (code === 'ENOENT')
      throw new ConfigError(`the folder ${relative('', dirname(file)) || '.'} does not exist`);
    throw new ConfigError(`${file} cannot be written (${code ?? 'unknown error'})`, { cause });
  }
}
