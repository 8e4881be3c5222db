import { setImmediate } from 'node:timers/promises';
import { Argument, Command, Option } from 'commander';
import { type Backtest, runBacktest } from '../core/backtest/backtest.ts';
import { chooseRules } from '../core/backtest/choose-rules.ts';
import { systemClock } from '../local/clock.ts';
import { durationArgument } from './arguments.ts';
import { type RangeOptions, rangeOf, readFleetAndSilences } from './backtest-inputs.ts';
import { backtestShape } from './backtest-shape.ts';
import { backtestText } from './backtest-tables.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, openStoreToRead } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { momentArgument } from './moment-argument.ts';
import { createSpinner } from './spinner.ts';
import { localOption, nameOption, type StateOptions, tableOption } from './state-access.ts';

const DAY_MS = 24 * 3_600_000;

interface Options extends StateOptions, RangeOptions {
  config: string;
  json?: boolean;
}

export function backtestCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const moment = (text: string) => momentArgument(text, systemClock.nowMs());
  const command = new Command('backtest')
    .description('Say what rules would have fired over stored samples, when, how long, and to whom.')
    .addArgument(
      new Argument('[rules...]', 'names or globs of rules; default: every rule of the configuration'),
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option('-l, --last <duration>', 'how far back').argParser(durationArgument).default(DAY_MS, '1d'),
    )
    .addOption(new Option('--from <time>', 'begin then: 7d ago, a day, or a time').argParser(moment))
    .addOption(new Option('--to <time>', 'end then; default: now').argParser(moment))
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON, with every episode and message')
    .action(async (patterns: string[], options: Options) => {
      const { config } = await loadConfig(options.config);
      const names = chooseRules(config.rules, patterns);
      const range = rangeOf(options, systemClock.nowMs(), config.schedule.timeZone);
      const fleet = await readFleetAndSilences(options.config, config, options, range.fromMs);
      const store = await openStoreToRead(options.config, config);
      const progress = createProgress(options.json === true);
      let backtest: Backtest;
      try {
        backtest = await runBacktest({ config, rules: names, ...fleet, ...range }, { store, ...progress });
      } finally {
        progress.end();
        await store.close();
      }
      if (options.json) writeJson(backtestShape, backtest, stdout);
      else stdout.write(backtestText(backtest, config));
    });
  return withNotes(command, {
    examples: [
      ['bartizan backtest', 'every rule over the last day'],
      ['bartizan backtest memory --last 7d'],
      ["bartizan backtest 'etcd-*' --from 2026-11-24 --to 2026-11-26T12:00Z"],
      ["bartizan backtest --last 30d --json | jq '.rules[] | select(.episodes > 10) | .rule'"],
    ],
    text: `Every verdict comes from the code that evaluates rounds, every message from the code that routes, groups, silences and
inhibits, with today's configuration and inventory. Where samples are missing, or only roll-ups of them are left, the verdict
is unknown (? in the strip). Failures and rate limits of channels are left out.`,
    exits1: 'the samples or the state cannot be read',
    json: backtestShape,
  });
}

/** Shows how far a run is, and lets the terminal show it. */
function createProgress(quiet: boolean) {
  const spinner = createSpinner({ quiet }).start('reading samples');
  return {
    async onProgress(done: number): Promise<void> {
      spinner.text = `evaluated ${Math.floor(done * 100)}%`;
      await setImmediate();
    },
    end: () => void spinner.stop(),
  };
}
