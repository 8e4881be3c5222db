import { Command, Option } from 'commander';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { type AlertReport, reportAlerts, reportPast } from '../core/stages/alert-report.ts';
import { type AlertValue, readAlertValues } from '../core/stages/alert-values.ts';
import { systemClock } from '../local/clock.ts';
import { alertTable, pastTable } from './alert-tables.ts';
import { durationArgument } from './arguments.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, openStoreToRead } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { alertsShape } from './json-shapes.ts';
import {
  localOption,
  nameOption,
  openStateToRead,
  type StateOptions,
  stateTable,
  tableOption,
} from './state-access.ts';

interface Options extends StateOptions {
  config: string;
  last?: number;
  json?: boolean;
}

export function alertsCommand(): Command {
  const command = new Command('alerts')
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
      const { config } = await loadConfig(options.config);
      const nowMs = systemClock.nowMs();
      const { last } = options;
      const state = await openStateToRead(config, await stateTable(config, options), options.config);
      const reports = await (last === undefined
        ? reportAlerts(state, config, nowMs)
        : reportPast(state, { fromMs: nowMs - last, toMs: nowMs })
      ).finally(() => state.close());
      if (last !== undefined) show(reports, options, () => pastTable(reports, config, nowMs));
      else {
        const alerts = reports.toSorted(bySeverity(config));
        const values = await newestValues(options.config, config, alerts, nowMs).catch((error: unknown) => {
          // Without samples the alerts are still known, but not their values.
          process.stderr.write(`bartizan: the values of the alerts are unknown: ${describeError(error)}\n`);
          return new Map<string, AlertValue>();
        });
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

async function newestValues(
  file: string,
  config: Config,
  alerts: readonly AlertReport[],
  nowMs: number,
): Promise<ReadonlyMap<string, AlertValue>> {
  if (alerts.length === 0) return new Map();
  const store = await openStoreToRead(file, config);
  return await readAlertValues(config, alerts, { store, nowMs }).finally(() => store.close());
}

function bySeverity(config: Config): (a: AlertReport, b: AlertReport) => number {
  const order = { critical: 0, warning: 1, info: 2 };
  const weight = (alert: AlertReport) =>
    (alert.status === 'firing' ? 0 : 10) +
    order[config.rules.find((rule) => rule.name === alert.rule)?.severity ?? 'info'];
  return (a, b) => weight(a) - weight(b) || a.sinceMs - b.sinceMs;
}
