import { Command, Option } from 'commander';
import type { HistoryClient } from '../adapters/history-client/client.ts';
import { describeError } from '../core/errors.ts';
import { type AlertReport, reportAlerts, reportPast } from '../core/stages/alert-report.ts';
import { type AlertValue, readAlertValues } from '../core/stages/alert-values.ts';
import { alertSchema } from '../history/api/alert-schema.ts';
import { systemClock } from '../local/clock.ts';
import { alertTable, pastTable } from './alert-tables.ts';
import { durationArgument } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, openStoreToRead } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { alertsShape } from './json-shapes.ts';
import {
  type RemoteOptions,
  readPages,
  readShownConfig,
  remoteOf,
  type ShownConfig,
  withRemote,
} from './remote.ts';
import {
  localOption,
  nameOption,
  openStateToRead,
  type StateOptions,
  stateTable,
  tableOption,
} from './state-access.ts';

interface Options extends StateOptions, RemoteOptions {
  config: string;
  last?: number;
  json?: boolean;
}

export function alertsCommand(): Command {
  const command = withRemote(new Command('alerts'))
    .description(
      'List pending and firing alerts, where each was sent and what withholds it; or list earlier firings.',
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option(
        '-l, --last <duration>',
        'list alerts that fired or resolved in this time instead, newest first',
      ).argParser(durationArgument),
    )
    .addOption(nameOption())
    .addOption(tableOption())
    .addOption(localOption())
    .option('--json', 'as JSON')
    .action(async (options: Options) => {
      const client = await remoteOf(command, options);
      const found = client ? await readRemote(client, options) : await readLocal(options);
      const { reports, values, config, nowMs } = found;
      if (options.last !== undefined) show(reports, options, () => pastTable(reports, config, nowMs));
      else {
        const alerts = reports.toSorted(bySeverity(config));
        const current = alerts.map((alert) => ({ ...alert, ...values.get(alert.id) }));
        show(current, options, () => alertTable(alerts, { config, values, nowMs }));
      }
      process.exitCode = reports.some(({ status }) => status === 'firing') ? 1 : 0;
    });
  return withNotes(command, {
    examples: [
      ['bartizan alerts'],
      ['bartizan alerts --name bartizan', 'the deployment on AWS without a name of its own'],
      ['bartizan alerts --last 7d', 'earlier firings, how long they lasted and where they were sent'],
      ['bartizan alerts --url https://bartizan.example.com', 'with the token in BARTIZAN_TOKEN'],
      ["bartizan alerts --json | jq -r '.[].rule'"],
      [
        "bartizan alerts --json | jq -r '.[] | select(.undelivered) | .id'",
        'alerts that no channel has accepted',
      ],
    ],
    text: `NOT SENT marks an alert that no channel has accepted, with the last error of each channel. Releases that
did not record which alerts were new in a message have no times: \`--last\` leaves their messages out.`,
    exits1: 'an alert fires, or the state cannot be read',
    json: alertsShape,
  });
}

function show(reports: readonly AlertReport[], { json }: Options, text: () => string): void {
  if (json) writeJson(alertsShape, reports);
  else process.stdout.write(text());
}

interface Found {
  reports: readonly AlertReport[];
  /** Newest ones by id; empty with `--last`. */
  values: ReadonlyMap<string, AlertValue>;
  config: ShownConfig;
  nowMs: number;
}

async function readLocal(options: Options): Promise<Found> {
  const { last } = options;
  const { config } = await loadConfig(options.config);
  const nowMs = systemClock.nowMs();
  const state = await openStateToRead(config, await stateTable(config, options), options.config);
  const reports = await (last === undefined
    ? reportAlerts(state, config, nowMs)
    : reportPast(state, { fromMs: nowMs - last, toMs: nowMs })
  ).finally(() => state.close());
  const values = new Map<string, AlertValue>();
  if (last !== undefined || reports.length === 0) return { reports, values, config, nowMs };
  try {
    const store = await openStoreToRead(options.config, config);
    const read = readAlertValues(config, reports, { store, nowMs }).finally(() => store.close());
    return { reports, values: await read, config, nowMs };
  } catch (error) {
    // Without samples the alerts are still known, but not their values.
    process.stderr.write(`bartizan: the values of the alerts are unknown: ${describeError(error)}\n`);
    return { reports, values, config, nowMs };
  }
}

/** The service gives alerts with their newest values. */
async function readRemote(client: HistoryClient, { last }: Options): Promise<Found> {
  const { config, nowMs } = await readShownConfig(client);
  const list = { name: 'alerts', item: alertSchema } as const;
  const reports =
    last === undefined
      ? await readPages(client, '/v1/alerts', {}, list)
      : await readPages(client, '/v1/firings', { from: Math.max(0, nowMs - last), to: nowMs }, list);
  const values = new Map(
    reports.flatMap(({ id, value, valueAtMs }) =>
      value === undefined || valueAtMs === undefined ? [] : [[id, { value, valueAtMs }] as const],
    ),
  );
  return { reports, values, config, nowMs };
}

function bySeverity(config: ShownConfig): (a: AlertReport, b: AlertReport) => number {
  const order = { critical: 0, warning: 1, info: 2 };
  const weight = (alert: AlertReport) =>
    (alert.status === 'firing' ? 0 : 10) +
    order[config.rules.find((rule) => rule.name === alert.rule)?.severity ?? 'info'];
  return (a, b) => weight(a) - weight(b) || a.sinceMs - b.sinceMs;
}
