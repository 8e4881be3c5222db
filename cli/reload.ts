import { Command } from 'commander';
import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import { sendCommand } from '../local/control.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { plural } from './problem-report.ts';

/** The current round ends first, and a source of clusters may answer slowly. */
const ANSWER_MS = 300_000;
/** Names in a line; `--json` has all. */
const MOST_NAMES = 8;
/** Alerts that end, a line for each; `--json` has all. */
const MOST_ALERTS = 20;

const namesShape = z.array(z.string()).readonly();
const changesShape = z.strictObject({ added: namesShape, removed: namesShape, changed: namesShape });

export const reloadShape = z.strictObject({
  kind: z.enum(['applied', 'would-apply', 'refused']),
  message: z.string(),
  changes: z
    .strictObject({
      nodes: changesShape.describe('as cluster/node; those of inventories too'),
      sections: z.record(z.string(), changesShape).describe('sections with named elements that change'),
      settings: namesShape.describe('other sections that change'),
    })
    .optional(),
  ends: z
    .array(
      z.strictObject({
        rule: z.string(),
        labels: z.record(z.string(), z.string()),
        status: z.enum(['ok', 'pending', 'firing']),
      }),
    )
    .readonly()
    .optional()
    .describe('open alerts that end with the next round'),
});
type Reload = z.output<typeof reloadShape>;

interface ReloadArguments {
  config: string;
  data?: string;
  dryRun?: boolean;
  allowRemoval?: boolean;
  json?: boolean;
}

export function reloadCommand(): Command {
  const command = new Command('reload')
    .description('Let the running `up` read its configuration again, and wait for the outcome.')
    .option('-c, --config <file>', 'configuration, whose `store.path` says which `up`', 'bartizan.yaml')
    .option('--data <folder>', 'data folder of the running `up`; the file is not read by this command then')
    .option('--dry-run', 'report what would change, and change nothing')
    .option('--allow-removal', 'also if many nodes go, whose alerts end then')
    .option('--json', 'as JSON')
    .action(async (options: ReloadArguments) => {
      const { data, dryRun = false, allowRemoval = false } = options;
      const answer = await sendCommand(
        data ?? (await dataFolderOf(options.config)),
        { command: 'reload', args: { dryRun, allowRemoval } },
        { timeoutMs: ANSWER_MS },
      );
      const found = reloadShape.safeParse({ message: answer.message, ...(answer.detail as object) });
      if (!found.success) throw new ConfigError(answer.message);
      if (options.json) writeJson(reloadShape, found.data);
      else process.stdout.write(reloadText(found.data));
      if (found.data.kind === 'refused') process.exitCode = 1;
    });
  return withNotes(command, {
    examples: [
      ['bartizan reload --dry-run', 'nodes, rules and channels that change, and alerts that would end'],
      ['bartizan reload'],
      ["bartizan reload --dry-run --json | jq '.ends | length'"],
    ],
    text:
      'The running process reads its own file, with all keys and secrets, when the current round is over. ' +
      'A wrong configuration changes nothing. Open incidents are decided again by the new one. `store.path`, `store.type` ' +
      'with its options, `state`, `server.listen` and `server.metrics.listen` change with a restart only.',
    exits1: 'the configuration is refused, or no `up` runs on the data folder',
    json: reloadShape,
  });
}

/** @throws ConfigError that says how to reach the process, where the file cannot */
async function dataFolderOf(file: string): Promise<string> {
  try {
    return (await loadConfig(file)).config.store.path;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      `${error.message}\nThe running \`up\` was not asked, and keeps the former configuration. With \`--data FOLDER\` this command reaches it in spite of the file`,
    );
  }
}

/** A line for each kind of change. */
export function reloadText({ kind, message, changes, ends }: Reload): string {
  const lines = [kind === 'refused' ? `refused, nothing has changed: ${message}` : message];
  if (changes) {
    for (const [section, { added, removed, changed }] of Object.entries({
      nodes: changes.nodes,
      ...changes.sections,
    })) {
      lines.push(
        ...namesLine(section, 'added', added),
        ...namesLine(section, 'removed', removed),
        ...namesLine(section, 'changed', changed),
      );
    }
    if (changes.settings.length > 0) lines.push(`other settings changed: ${changes.settings.join(', ')}`);
  }
  if (ends && ends.length > 0) {
    const more = ends.length - MOST_ALERTS;
    lines.push(
      `${plural(ends.length, 'open alert')} ${kind === 'applied' ? 'end' : 'would end'}:`,
      ...ends.slice(0, MOST_ALERTS).map(({ rule, labels }) => `  ${rule} ${Object.values(labels).join('/')}`),
      ...(more > 0 ? [`  and ${more} more: --json has all`] : []),
    );
  }
  return `${lines.join('\n')}\n`;
}

function namesLine(section: string, what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${section} ${what} (${names.length}): ${some(names)}`];
}

function some(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}
