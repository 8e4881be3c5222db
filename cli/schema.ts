import { Command } from 'commander';
import { KINDS } from '../adapters/registry.ts';
import { configJsonSchema } from '../core/config/config-schema.ts';
import { withNotes } from './command-notes.ts';

/** The name of the schema beside a configuration; the first line of the configuration points editors to it. */
export const SCHEMA_FILE = 'bartizan.schema.json';

/** The published JSON Schema as text. */
export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(KINDS), null, 2)}\n`;
}

export function schemaCommand(): Command {
  const command = new Command('schema')
    .description('Print the JSON Schema of the configuration, for editors and other programs.')
    .action(() => {
      process.stdout.write(schemaText());
    });
  return withNotes(command, {
    examples: [[`bartizan schema > ${SCHEMA_FILE}`]],
    text: `Editors with a YAML language server complete and check a configuration whose first line is
  # yaml-language-server: $schema=${SCHEMA_FILE}`,
    exits1: 'never',
  });
}
