import { Argument, Command } from 'commander';
import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import { LOG_LEVELS, LOG_STAGES } from '../core/model/log.ts';
import { sendCommand } from '../local/control.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { renderTable } from './table.ts';

export const logLevelShape = z
  .array(z.strictObject({ stage: z.enum(LOG_STAGES), level: z.enum(LOG_LEVELS) }))
  .readonly();

const ANSWER_MS = 10_000;

export function logLevelCommand(): Command {
  const command = new Command('log-level')
    .description('Show how much the running `up` logs, or change it until its next start.')
    .addArgument(new Argument('[stage]', 'which part of the log').choices([...LOG_STAGES, 'all']))
    .addArgument(new Argument('[level]', 'least important lines of it').choices(LOG_LEVELS))
    .option('-c, --config <file>', 'configuration, whose `store.path` says which `up`', 'bartizan.yaml')
    .option('--data <folder>', 'data folder of the running `up`; the file is not read then')
    .option('--json', 'as JSON')
    .action(
      async (
        stage: string | undefined,
        level: string | undefined,
        options: { config: string; data?: string; json?: boolean },
      ) => {
        const dir = options.data ?? (await loadConfig(options.config)).config.store.path;
        const args = level === undefined ? {} : { ...(stage !== 'all' && { stage }), level };
        const answer = await sendCommand(dir, { command: 'log-level', args }, { timeoutMs: ANSWER_MS });
        const found = logLevelShape.safeParse(answer.detail);
        if (!answer.ok || !found.success) throw new ConfigError(answer.message);
        const shown = found.data.filter(
          (one) => stage === undefined || stage === 'all' || one.stage === stage,
        );
        if (options.json) writeJson(logLevelShape, shown);
        else
          process.stdout.write(
            renderTable(
              ['STAGE', 'LEVEL'],
              shown.map((one) => [one.stage, one.level]),
            ),
          );
      },
    );
  return withNotes(command, {
    examples: [
      ['bartizan log-level'],
      ['bartizan log-level probe debug', 'each batch that was probed'],
      ['bartizan log-level all info'],
    ],
    text: 'A start, and a reload that changes `log` in the configuration, take the levels from there again.',
    exits1: 'no `up` runs on the data folder, or this user may not reach it',
    json: logLevelShape,
  });
}
