import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { notesOf } from './command-notes.ts';
import { createProgram } from './program.ts';
import { cliReference } from './reference.ts';
import { shapeText } from './shape-text.ts';

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}
const program = await createProgram();
const visible = leaves(program).filter((command) => !command.name().startsWith('__'));

describe('the reference of the command line', () => {
  it('has the texts of the commands', async () => {
    await expect(cliReference(program)).toMatchFileSnapshot('../docs/cli.md');
  });

  it.each(visible.map((command) => [command.name(), command] as const))(
    '%s has a description, examples, exit codes, and its shape if it knows --json',
    (_, command) => {
      const notes = notesOf(command);
      expect(command.description()).toMatch(/^[A-Za-z].*[.?]$/);
      expect(notes?.examples.length).toBeGreaterThan(0);
      expect(notes?.exits1).toBeTruthy();
      expect(notes?.json !== undefined).toBe(command.options.some((option) => option.long === '--json'));
      for (const { description } of [...command.options, ...command.registeredArguments])
        expect(description).toBeTruthy();
    },
  );

  it('has a first help that fits a terminal of 80 columns', () => {
    let text = '';
    program.configureOutput({
      getOutHelpWidth: () => 80,
      writeOut: (part) => {
        text += part;
      },
    });
    program.outputHelp();
    expect(text).toContain('Start here:');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('shows a shape in a readable form', () => {
    const shape = z.array(
      z.strictObject({
        name: z.string().describe('of it'),
        kind: z.enum(['a', 'b']).optional(),
        kinds: z.array(z.enum(['a', 'b'])),
        at: z.record(z.string(), z.number()),
        parts: z.array(z.strictObject({ ok: z.boolean() })).describe('in order'),
      }),
    );
    expect(shapeText(shape)).toBe(
      [
        '{',
        '  name: string  // of it',
        '  kind?: "a" | "b"',
        '  kinds: ("a" | "b")[]',
        '  at: { [name]: number }',
        '  parts: {  // in order',
        '    ok: boolean',
        '  }[]',
        '}[]',
      ].join('\n'),
    );
  });
});
