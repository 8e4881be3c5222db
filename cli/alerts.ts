import { Command } from 'commander';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { findMetric } from '../core/catalogue.ts';
import { formatDuration } from '../core/config/duration.ts';
import type { Config } from '../core/config/types.ts';
import { formatMetricValue } from '../core/format.ts';
import { labelKey } from '../core/labels.ts';
import type { Alert } from '../core/model.ts';
import { systemClock } from '../local/clock.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, openStoreToRead } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { alertsShape } from './json-shapes.ts';
import { renderTable } from './table.ts';

/** Values older than this are not shown as current. */
const CURRENT_MS = 24 * 3_600_000;

export function alertsCommand(): Command {
  const command = new Command('alerts')
    .description('List what is pending and firing, newest value included.')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--json', 'as JSON')
    .action(async (options: { config: string; json?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const state = openSqliteState({ path: config.store.path, readOnly: true });
      const alerts = (await state.listAlerts()).map((alert) => alert.value).sort(bySeverity(config));
      await state.close();
      const nowMs = systemClock.nowMs();
      const values = await newestValues(options.config, config, alerts, nowMs);
      if (options.json)
        writeJson(
          alertsShape,
          alerts.map((a) => ({ ...a, ...values.get(a.id) })),
        );
      else process.stdout.write(alertTable(config, alerts, values, nowMs));
      process.exitCode = alerts.some((alert) => alert.status === 'firing') ? 1 : 0;
    });
  return withNotes(command, {
    examples: [['bartizan alerts'], ["bartizan alerts --json | jq -r '.[].rule'"]],
    exits1: 'something fires, or the state cannot be read',
    json: alertsShape,
  });
}

async function newestValues(
  file: string,
  config: Config,
  alerts: readonly Alert[],
  nowMs: number,
): Promise<Map<string, { value: number; valueAtMs: number }>> {
  const store = await openStoreToRead(file, config);
  const values = new Map<string, { value: number; valueAtMs: number }>();
  for (const rule of config.rules) {
    const mine = new Map(alerts.filter((a) => a.rule === rule.name).map((a) => [labelKey(a.labels), a.id]));
    if (mine.size === 0) continue;
    for (const series of await store.latest({
      metric: rule.metric,
      where: rule.where,
      sinceMs: nowMs - CURRENT_MS,
    })) {
      const id = mine.get(labelKey(series.labels));
      const point = series.points.at(-1);
      if (id !== undefined && point) values.set(id, { value: point.value, valueAtMs: point.timeMs });
    }
  }
  await store.close();
  return values;
}

function alertTable(
  config: Config,
  alerts: readonly Alert[],
  values: ReadonlyMap<string, { value: number }>,
  nowMs: number,
): string {
  if (alerts.length === 0) return 'nothing is pending or firing\n';
  const rows = alerts.map((alert) => {
    const rule = config.rules.find((candidate) => candidate.name === alert.rule);
    const newest = values.get(alert.id);
    return [
      alert.noDataSinceMs === undefined ? alert.status : `${alert.status}, no data`,
      rule?.severity ?? '',
      alert.rule,
      Object.entries(alert.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
      newest ? formatMetricValue(newest.value, findMetric(rule?.metric ?? '')) : '–',
      formatDuration(Math.max(0, Math.floor((nowMs - alert.sinceMs) / 1000) * 1000)),
    ];
  });
  return renderTable(['STATE', 'SEVERITY', 'RULE', 'WHERE', 'VALUE', 'FOR'], rows, [4]);
}

function bySeverity(config: Config): (a: Alert, b: Alert) => number {
  const order = { critical: 0, warning: 1, info: 2 };
  const weight = (alert: Alert) =>
    (alert.status === 'firing' ? 0 : 10) +
    order[config.rules.find((rule) => rule.name === alert.rule)?.severity ?? 'info'];
  return (a, b) => weight(a) - weight(b) || a.sinceMs - b.sinceMs;
}
