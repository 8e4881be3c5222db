import { writeFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { type Backtest, runBacktest } from '../core/backtest/backtest.ts';
import { chooseRules } from '../core/backtest/choose-rules.ts';
import { compareBacktests, differs } from '../core/backtest/compare.ts';
import type { HistoryPorts } from '../core/backtest/history-run.ts';
import { cutStory } from '../core/backtest/story-cut.ts';
import { runSweep } from '../core/backtest/sweep.ts';
import { parseAxis, variantsOf } from '../core/backtest/sweep-axes.ts';
import { backtestTimeline, comparisonTimeline } from '../core/backtest/timeline.ts';
import type { TimelineSpec } from '../core/chart/timeline.ts';
import { ConfigError } from '../core/errors.ts';
import { CHART_THEMES, type ChartTheme } from '../core/model/chart-theme.ts';
import type { Config } from '../core/model/config.ts';
import type { Rule } from '../core/model/rule.ts';
import { labelsText } from '../core/notify/summary.ts';
import type { SampleStore } from '../core/ports.ts';
import { quotedList } from '../core/text/suggestions.ts';
import { backtestSchema } from '../history/api/backtest-schema.ts';
import { systemClock } from '../local/clock.ts';
import { durationArgument } from './arguments.ts';
import {
  type Compared,
  comparisonJson,
  comparisonMarkdown,
  comparisonShape,
  comparisonTable,
} from './backtest-comparison.ts';
import { type RangeOptions, rangeOf, readFleetAndSilences } from './backtest-inputs.ts';
import { type Swept, sweepJson, sweepShape, sweepText } from './backtest-sweep.ts';
import { backtestText } from './backtest-tables.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, openStoreToRead } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { momentArgument } from './moment-argument.ts';
import { colourPaintFor } from './problem-report.ts';
import { createSpinner } from './spinner.ts';
import { localOption, nameOption, type StateOptions, tableOption } from './state-access.ts';

const DAY_MS = 24 * 3_600_000;

interface Options extends StateOptions, RangeOptions {
  config: string;
  against?: string;
  sweep?: string[];
  story?: string;
  episode: number;
  png?: string;
  theme: ChartTheme;
  exitCode?: true;
  markdown?: true;
  json?: true;
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
    .option('--against <file>', 'compare with the rules, routes and silences of this configuration')
    .addOption(
      new Option(
        '--sweep <field=values...>',
        'try other values of one rule, behind its name: `above=80..95 for=5m..15m`, `above=80..95/5`',
      ).conflicts('against'),
    )
    .addOption(
      new Option('--story <file>', 'write a firing as a story for `rules test`').conflicts([
        'against',
        'sweep',
        'json',
      ]),
    )
    .addOption(
      new Option('--episode <number>', 'with --story: which firing, by the first column of the table')
        .argParser(countArgument)
        .default(1),
    )
    .addOption(
      new Option('--png <file>', 'draw it into a file as well: each alert, over time').conflicts([
        'sweep',
        'story',
      ]),
    )
    .addOption(new Option('--theme <theme>', 'colours of the picture').choices(CHART_THEMES).default('dark'))
    .option('--exit-code', 'with --against: exit with 1 if anything differs, as `git diff --exit-code` does')
    .addOption(new Option('--markdown', 'with --against: print it for a pull request').conflicts('json'))
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON, with every episode and message')
    .action(async (patterns: string[], options: Options) => {
      const { against } = options;
      if (against === undefined && (options.exitCode || options.markdown)) {
        command.error('error: --exit-code and --markdown need --against', { exitCode: 2 });
      }
      const { config } = await loadConfig(options.config);
      const other = against === undefined ? undefined : (await loadConfig(against)).config;
      const rules = chooseRules([...config.rules, ...(other?.rules ?? [])], patterns);
      const axes = options.sweep?.map(parseAxis);
      const swept = axes && oneRule(config, rules);
      const variants = axes && swept && variantsOf(swept, axes);
      const range = rangeOf(options, systemClock.nowMs(), config.schedule.timeZone);
      const fleet = await readFleetAndSilences(options.config, config, options, range.fromMs);
      const store = await openStoreToRead(options.config, config);
      const run = <T>(work: (ports: HistoryPorts) => Promise<T>) => withProgress(store, options, work);
      try {
        const request = { config, rules, ...fleet, ...range };
        if (axes && swept && variants) {
          const sweep = await run((ports) => runSweep({ ...request, rule: swept, variants }, ports));
          showSweep({ rule: swept, axes, sweep }, config, options, stdout);
          return;
        }
        const shown = { timeZone: config.schedule.timeZone, theme: options.theme };
        const after = await run((ports) => runBacktest(request, ports));
        if (!other || against === undefined) {
          if (options.story !== undefined) await writeStory(after, config, options, store, stdout);
          else {
            show(after, config, options, stdout);
            await draw(backtestTimeline(after, shown), options);
          }
          return;
        }
        const before = await run((ports) => runBacktest({ ...request, config: other }, ports));
        const compared = { against, after, rules: compareBacktests(before, after) };
        showComparison(compared, config, options, stdout);
        await draw(comparisonTimeline(before, compared, shown), options);
        if (options.exitCode && compared.rules.some(differs)) process.exitCode = 1;
      } finally {
        await store.close();
      }
    });
  return withNotes(command, {
    examples: [
      ['bartizan backtest', 'every rule over the last day'],
      ['bartizan backtest memory --last 7d'],
      ['bartizan backtest memory --last 7d --png memory.png', 'the table, and a picture'],
      ["bartizan backtest 'etcd-*' --from 2026-11-24 --to 2026-11-26T12:00Z"],
      ['bartizan backtest --last 7d --against main.yaml', 'what this version changes'],
      ['bartizan backtest --last 7d --against main.yaml --markdown --exit-code > comment.md'],
      ['bartizan backtest memory.warning --last 7d --sweep above=80..95 for=5m..15m'],
      ['bartizan backtest memory.warning --last 7d --story stories/memory.yaml --episode 3'],
      ["bartizan backtest --last 30d --json | jq '.rules[] | select(.episodes > 10) | .rule'"],
    ],
    text: `Every verdict comes from the code that evaluates rounds, every message from the code that routes, groups, silences and
inhibits, with today's configuration and inventory. Where samples are missing, or only roll-ups of them are left, the verdict
is unknown (? in the strip). Failures and rate limits of channels are left out.`,
    exits1: 'the samples or the state cannot be read, or with --exit-code something differs',
    json: backtestSchema,
  });
}

function show(backtest: Backtest, config: Config, { json }: Options, stdout: NodeJS.WriteStream): void {
  if (json) writeJson(backtestSchema, backtest, stdout);
  else stdout.write(backtestText(backtest, config));
}

function showComparison(
  compared: Compared,
  config: Config,
  { json, markdown }: Options,
  stdout: NodeJS.WriteStream,
): void {
  if (json) writeJson(comparisonShape, comparisonJson(compared), stdout);
  else stdout.write((markdown ? comparisonMarkdown : comparisonTable)(compared, config));
}

function showSweep(swept: Swept, config: Config, { json }: Options, stdout: NodeJS.WriteStream): void {
  if (json) writeJson(sweepShape, sweepJson(swept), stdout);
  else stdout.write(sweepText(swept, config, colourPaintFor(stdout)));
}

/** Beside what is printed, so that a comment and its picture come from one run. @throws ConfigError if it cannot be written */
async function draw(spec: TimelineSpec, { png: file }: Options): Promise<void> {
  if (file === undefined) return;
  const { png } = await createChartRenderer().renderTimeline(spec);
  await writeFile(file, png).catch((cause: { code?: string }) => {
    throw new ConfigError(`${file} cannot be written (${cause.code ?? 'unknown error'})`, { cause });
  });
}

/** A whole number from 1 on. */
function countArgument(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new InvalidArgumentError('Write a number of the first column of the table.');
  return Number(text);
}

/** @throws ConfigError where there is no such firing, or no file can be written */
async function writeStory(
  backtest: Backtest,
  config: Config,
  { story: file = '', episode: number }: Options,
  store: SampleStore,
  stdout: NodeJS.WriteStream,
): Promise<void> {
  const episode = backtest.episodes[number - 1];
  const rule = config.rules.find(({ name }) => name === episode?.rule);
  if (!episode || !rule) {
    const { length } = backtest.episodes;
    throw new ConfigError(
      length === 0 ? 'nothing would have fired' : `there is no firing ${number}: ${length} would have been`,
    );
  }
  const { text, notes } = await cutStory({ rule, episode, config }, backtest, store);
  await writeFile(file, text).catch((cause: { code?: string }) => {
    throw new ConfigError(`${file} cannot be written (${cause.code ?? 'unknown error'})`, { cause });
  });
  stdout.write(
    `wrote ${file}: ${rule.name}, ${labelsText(episode.labels)}\n${notes.map((note) => `note: ${note}\n`).join('')}`,
  );
}

/** @throws ConfigError where there are several */
function oneRule({ rules }: Config, names: readonly string[]): Rule {
  const found = rules.filter(({ name }) => names.includes(name));
  const [only] = found;
  if (only && found.length === 1) return only;
  throw new ConfigError(`--sweep tries values of one rule: write one of ${quotedList(names)} in front of it`);
}

/** Shows on a terminal how far it is. */
async function withProgress<T>(
  store: SampleStore,
  { json }: Pick<Options, 'json'>,
  work: (ports: HistoryPorts) => Promise<T>,
): Promise<T> {
  const spinner = createSpinner({ quiet: json === true }).start('reading samples');
  const onProgress = async (done: number) => {
    spinner.text = `evaluated ${Math.floor(done * 100)}%`;
    await setImmediate();
  };
  try {
    return await work({ store, onProgress });
  } finally {
    spinner.stop();
  }
}
