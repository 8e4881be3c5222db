import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { targetsOf } from '../adapters/inventory/file.ts';
import { asOf, type Replay, replayMessage } from '../core/backtest/replay.ts';
import { pictureSpec, readPictureSeries } from '../core/chart/series.ts';
import { ConfigError } from '../core/errors.ts';
import { formatDateTime } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import { labelsText } from '../core/notify/summary.ts';
import { plainText } from '../core/notify/text.ts';
import type { SampleStore } from '../core/ports.ts';
import { createMeter } from '../local/meter.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, openStoreToRead } from './config-file.ts';
import { runningFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import {
  localOption,
  nameOption,
  openStateToRead,
  type StateOptions,
  stateTable,
  tableOption,
  withState,
} from './state-access.ts';
import { renderTable } from './table.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
const times = { firedAtMs: z.number(), resolvedAtMs: z.number().optional() };

export const replayShape = z.strictObject({
  key: z.string(),
  atMs: z.number().describe('when it was sent'),
  channel: z.string(),
  isSame: z.boolean().describe('every verdict is the same, to the millisecond'),
  alerts: list(
    z.strictObject({
      episode: z.string().describe('`alertId@firedAtMs`'),
      rule: z.string(),
      status: z.enum(['firing', 'resolved']),
      sent: z.strictObject(times),
      replayed: z
        .strictObject({ ...times, labels: z.record(z.string(), z.string()).readonly() })
        .optional()
        .describe('absent: stored samples do not make it fire then'),
      isSame: z.boolean(),
    }),
  ),
  notes: list(z.string()).describe('why something differs, or cannot be reproduced'),
  text: z.string().optional().describe('the message as plain text'),
});

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
/** Alerts in a text; `--json` has all. */
const MOST_ALERTS = 20;

interface Options extends StateOptions {
  config: string;
  png?: string;
  json?: true;
}

export function replayCommand(stdout: NodeJS.WriteStream = process.stdout): Command {
  const command = new Command('replay')
    .description('Reproduce a message that was sent: its verdicts, text and picture, from state and samples.')
    .argument('<notification>', 'its key: `inc-…:NUMBER`')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--png <file>', 'draw its picture into a file')
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON')
    .action(async (key: string, options: Options) => {
      const { config } = await loadConfig(options.config);
      const opened = await openStateToRead(config, await stateTable(config, options), options.config);
      await withState(opened, async (state) => {
        const { clusters } = await runningFleet(options.config, config, state.counters);
        const store = await openStoreToRead(options.config, config);
        try {
          const ports = { store, state, logger: SILENT, meter: createMeter() };
          const replay = await replayMessage(key, { config, targets: targetsOf(clusters) }, ports);
          if (options.json) writeJson(replayShape, replayJson(key, replay), stdout);
          else stdout.write(replayText(replay, config));
          if (options.png !== undefined)
            await draw(replay, options.png, store, options.json ? process.stderr : stdout);
          process.exitCode = replay.isSame ? 0 : 1;
        } finally {
          await store.close();
        }
      });
    });
  return withNotes(command, {
    examples: [
      ['bartizan replay inc-5f0c61e2a9b3d471:2'],
      ['bartizan replay inc-5f0c61e2a9b3d471:2 --png then.png'],
      ['bartizan replay inc-5f0c61e2a9b3d471:2 --json | jq .notes'],
    ],
    text: `The key is the one that receivers deduplicate by; each delivery in state has its two parts. The rule is the one of that time,
checks and inventory are those of today.`,
    exits1: 'a verdict differs, or the message, its samples or the state cannot be read',
    json: replayShape,
  });
}

function replayJson(
  key: string,
  { message: { delivery }, isSame, alerts, notes, notification }: Replay,
): z.infer<typeof replayShape> {
  const { atMs, channel } = delivery;
  const text = notification && plainText(notification, Infinity);
  return { key, atMs, channel, isSame, alerts, notes, ...(text !== undefined && { text }) };
}

function replayText({ message, alerts, isSame, notes, notification }: Replay, { schedule }: Config): string {
  const at = (ms: number | undefined) => (ms === undefined ? '–' : formatDateTime(ms, schedule.timeZone));
  const { channel, atMs } = message.delivery;
  const rows = alerts
    .slice(0, MOST_ALERTS)
    .map(({ rule, sent, replayed, isSame: same }) => [
      same ? '✓' : '✗',
      rule,
      replayed ? labelsText(replayed.labels) : '–',
      at(sent.firedAtMs),
      at(sent.resolvedAtMs),
      ...(isSame ? [] : [at(replayed?.firedAtMs), at(replayed?.resolvedAtMs)]),
    ]);
  const head = ['', 'RULE', 'WHERE', 'FIRED', 'RESOLVED', ...(isSame ? [] : ['FIRES NOW', 'RESOLVES NOW'])];
  const verdict = isSame ? 'every verdict is the same today' : 'not every verdict can be reproduced';
  return [
    `sent to ${channel} at ${at(atMs)} ${schedule.timeZone}: ${verdict}\n\n`,
    renderTable(head, rows),
    alerts.length > rows.length ? `and ${alerts.length - rows.length} more: --json has all\n` : '',
    notification ? `\n${plainText(notification, MOST_ALERTS)}\n` : '',
    notes.length > 0 ? `\n${notes.map((note) => `note: ${note}\n`).join('')}` : '',
  ].join('');
}

async function draw(
  { picture, message }: Replay,
  file: string,
  store: SampleStore,
  out: NodeJS.WritableStream,
): Promise<void> {
  if (!picture) throw new ConfigError(`${file} is not drawn: nothing of the message can be reproduced`);
  const series = await readPictureSeries(picture, asOf(store, message.delivery.atMs));
  const { png, alt } = await createChartRenderer().render(pictureSpec(picture, series));
  await writeFile(file, png).catch((cause: { code?: string }) => {
    throw new ConfigError(`${file} cannot be written (${cause.code ?? 'unknown error'})`, { cause });
  });
  out.write(`wrote ${file}: ${alt}\n`);
}
