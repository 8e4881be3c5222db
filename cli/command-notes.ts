import type { Command } from 'commander';
import type { z } from 'zod';

/** Notes below the options of a command, in its help and in docs/cli.md. */
export interface CommandNotes {
  examples: readonly (readonly [line: string, comment?: string])[];
  /** Paragraphs, in lines that fit into a terminal. */
  text?: string;
  /** When the command exits with 1. */
  exits1: string;
  /** All exit codes, where they are not those of other commands. */
  exits?: string;
  /** The shape of the `--json` output. */
  json?: z.ZodType;
}

const notes = new WeakMap<Command, CommandNotes>();
const NARROW = 44;
const MOST_COLUMNS = 110;

/** Adds the notes to the help of a command, and keeps them for the reference. */
export function withNotes(command: Command, given: CommandNotes): Command {
  notes.set(command, given);
  const { text, exits1, exits = `0 fine; 1 ${exits1}; 2 wrong usage` } = given;
  const parts = [
    `Examples:\n${exampleLines(given)
      .map((line) => `  ${line}`)
      .join('\n')}`,
    ...(text === undefined ? [] : [text]),
    `Exit codes: ${exits}.`,
  ];
  return command.addHelpText('after', `\n${parts.join('\n\n')}`);
}

export function notesOf(command: Command): CommandNotes | undefined {
  return notes.get(command);
}

/** Names in indented lines of at most 110 columns. */
export function wrapNames(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + name.length <= MOST_COLUMNS)
      lines[lines.length - 1] = `${last} ${name}`;
    else lines.push(`  ${name}`);
  }
  return lines.join('\n');
}

/** When the commands are short, the comments are in a column of their own. */
export function exampleLines({ examples }: CommandNotes): string[] {
  const width = Math.max(0, ...examples.map(([line]) => line.length).filter((length) => length <= NARROW));
  return examples.map(([line, comment]) =>
    comment === undefined ? `$ ${line}` : `$ ${line.padEnd(width)}   # ${comment}`,
  );
}
