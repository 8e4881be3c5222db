// Writes docs/cli.md from the commands. A test compares the file.
import type { Argument, Command, Option } from 'commander';
import { type CommandNotes, exampleLines, notesOf } from './command-notes.ts';
import { shapeText } from './shape-text.ts';

const INTRODUCTION = `<!-- Generated from the commands in cli/. To change it, change those, then \`npm run generate\`. -->

# Command line

Every command has \`--help\`. Commands read the configuration from \`bartizan.yaml\` in the working folder, or from the file
after \`-c\`. They write results to stdout and errors to stderr.

| exit code | |
| --- | --- |
| 0 | fine |
| 1 | something was found (an error, an alert that fires, a node that fails) or the command failed |
| 2 | wrong usage: an unknown command, option or value |

With \`--json\` stdout has one JSON document and nothing else; each command below shows its shape. Errors and warnings stay
text on stderr. When a command fails before it has an answer, stdout is empty and the exit code is not 0.
Fields may be added to a shape; renaming one is a breaking change. Names that end in \`Ms\` are Unix times in
milliseconds, or durations in milliseconds.

Commands use colours and show progress only on a terminal; \`NO_COLOR=1\` turns colours off.`;

/** The reference as Markdown. */
export function cliReference(program: Command): string {
  const commands = leavesOf(program, []);
  const list = commands.map(
    ({ path, command }) => `| [\`${path}\`](#${anchor(path)}) | ${escapeCell(command.description())} |`,
  );
  const sections = commands.map(({ path, command }) => sectionOf(path, command));
  const overview = ['| command | |', '| --- | --- |', ...list].join('\n');
  return `${[INTRODUCTION, overview, ...sections].join('\n\n')}\n`;
}

/** Commands that do something, with their full names. Hidden commands are for programs. */
function leavesOf(command: Command, path: readonly string[]): { path: string; command: Command }[] {
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => sub.name() !== 'help');
  if (visible.length === 0) return [{ path: path.join(' '), command }];
  return visible.flatMap((sub) => leavesOf(sub, [...path, sub.name()]));
}

function sectionOf(path: string, command: Command): string {
  const notes = notesOf(command);
  const usage = command.usage();
  const args = command.registeredArguments.map(
    (argument) => `| \`${argument.name()}\` | ${argumentText(argument)} | ${defaultText(argument)} |`,
  );
  const options = command.options.map(
    (option) => `| \`${option.flags}\` | ${optionText(option)} | ${defaultText(option)} |`,
  );
  const rows = [...args, ...options];
  return [
    `## ${path}`,
    command.description(),
    `    bartizan ${path} ${usage}`,
    rows.length > 0 ? ['| | | default |', '| --- | --- | --- |', ...rows].join('\n') : '',
    notes
      ? `Examples:\n\n${exampleLines(notes)
          .map((line) => `    ${line}`)
          .join('\n')}`
      : '',
    notes?.text === undefined ? '' : paragraphs(notes.text),
    notes ? exitText(notes) : '',
    notes?.json ? `With \`--json\`:\n\n\`\`\`ts\n${shapeText(notes.json)}\n\`\`\`` : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function exitText({ exits, exits1 }: CommandNotes): string {
  return exits === undefined ? `Exit code 1: ${exits1}.` : `Exit codes: ${exits}.`;
}

/** Indented lines are code, also after a line of prose. */
function paragraphs(text: string): string {
  return text
    .replace(/([^\n])\n(?= {2})/g, (all, before: string, at: number) =>
      /(^|\n) {2}[^\n]*$/.test(text.slice(0, at + 1)) ? all : `${before}\n\n`,
    )
    .replace(/^ {2}/gm, '      ');
}

function argumentText(argument: Argument): string {
  return escapeCell(argument.description);
}

function optionText(option: Option): string {
  const choices = option.argChoices
    ? `: ${option.argChoices.map((choice) => `\`${choice}\``).join(', ')}`
    : '';
  return escapeCell(option.description + choices);
}

function defaultText({
  defaultValue,
  defaultValueDescription,
}: Pick<Option, 'defaultValue' | 'defaultValueDescription'>): string {
  if (defaultValueDescription !== undefined) return `\`${defaultValueDescription}\``;
  if (typeof defaultValue === 'string') return `\`${defaultValue}\``;
  return Array.isArray(defaultValue) ? defaultValue.map((value) => `\`${value}\``).join(', ') : '';
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function anchor(path: string): string {
  return path.replaceAll(' ', '-');
}
