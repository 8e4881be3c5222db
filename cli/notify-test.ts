import { Command } from 'commander';
import type { ChannelAdapter } from '../adapters/channels/channel-adapter.ts';
import { CHANNELS } from '../adapters/channels/registry.ts';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { buildChartSpec } from '../core/chart/spec.ts';
import type { ChannelConfig, Config } from '../core/config/types.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Rule } from '../core/model.ts';
import { beginAttempt } from '../core/notify/attempt.ts';
import type { Incident, IncidentAlert, Notification, Picture } from '../core/notify/model.ts';
import { buildNotification } from '../core/notify/notification.ts';
import { systemClock } from '../local/clock.ts';
import { loadConfig, secretsFor } from './config-file.ts';

const MINUTE = 60_000;
const SEND_LIMIT_MS = 60_000;

export function notifyTestCommand(): Command {
  return new Command('notify-test')
    .description('Send a sample alert with a chart to a channel, and say what became of it.')
    .argument('<channel>', 'name of a configured channel')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--resolved', 'a resolved alert rather than a firing one')
    .option('--dry-run', 'print what would be sent, and send nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  $ bartizan notify-test ops --dry-run\n  $ bartizan notify-test ops --resolved\n\nExit code 1 when it was not delivered.',
    )
    .action(async (name: string, options: { config: string; resolved?: boolean; dryRun?: boolean }) => {
      const { config } = await loadConfig(options.config);
      const channel = config.channels.find((candidate) => candidate.name === name);
      const adapter = CHANNELS.find(({ type }) => type === channel?.type) as
        | ChannelAdapter<unknown>
        | undefined;
      if (!channel || !adapter) {
        const names = config.channels.map((candidate) => candidate.name).join(', ');
        throw new ConfigError(`no channel is called ${name}; there are ${names || 'none'}`);
      }
      const { notification, picture } = await sample(config, channel, options.resolved === true);
      const parsed = adapter.options.parse(channel.options);
      if (options.dryRun) {
        process.stdout.write(`${adapter.preview(notification, picture, parsed)}\n`);
        return;
      }
      const secrets = secretsFor(options.config);
      try {
        const sender = adapter.create(parsed, { secrets, clock: systemClock });
        const receipt = await sender.send(notification, picture, {
          signal: AbortSignal.timeout(SEND_LIMIT_MS),
        });
        process.stdout.write(`${name} (${adapter.title}): delivered; ${secrets.redact(receipt.detail)}\n`);
      } catch (error) {
        process.stderr.write(
          `${name} (${adapter.title}): not delivered; ${secrets.redact(describeError(error))}\n`,
        );
        process.exitCode = 1;
      }
    });
}

/** A made-up alert on a made-up series, put together by the code that puts real ones together. */
async function sample(
  config: Config,
  channel: ChannelConfig,
  resolved: boolean,
): Promise<{ notification: Notification; picture: Picture }> {
  const nowMs = systemClock.nowMs();
  const rule: Rule = {
    name: 'test-message',
    title: 'Test message, memory usage',
    metric: 'mem_usage',
    where: {},
    condition: { kind: 'above', threshold: 90 },
    forMs: 10 * MINUTE,
    keepFiringForMs: 0,
    noData: 'keepLast',
    severity: 'info',
    inhibitedBy: [],
    summary: 'This is a test: {{node}} has used {{value}} of its memory for {{held}}',
  };
  const labels = (node: string) => ({ cluster: 'test-cluster', node, role: 'controlplane' });
  const firing: IncidentAlert = {
    alertId: 'test-message/node-1',
    rule: rule.name,
    severity: rule.severity,
    labels: labels('node-1'),
    status: 'firing',
    sinceMs: nowMs - 25 * MINUTE,
    firedAtMs: nowMs - 15 * MINUTE,
    reason: 'threshold',
    value: 94.1,
  };
  const ended = {
    status: 'resolved',
    value: 61.4,
    clearedAtMs: nowMs - MINUTE,
    resolvedAtMs: nowMs - MINUTE,
  } as const;
  const alert: IncidentAlert = resolved ? { ...firing, ...ended } : firing;
  const incident: Incident = {
    id: `inc-test-${nowMs}`,
    route: 'test',
    channel: channel.name,
    groupKey: 'test',
    groupLabels: { rule: rule.name, cluster: 'test-cluster' },
    openedAtMs: nowMs,
    alerts: [alert],
    rules: { [rule.name]: rule },
    notified: {},
    notifications: 0,
  };
  const { timeZone } = config.schedule;
  const attempt = beginAttempt(incident, [alert], nowMs);
  const notification = buildNotification({
    incident,
    attempt,
    reason: 'first',
    alerts: [alert],
    statuses: [],
    timeZone,
    nowMs,
  });
  const series = ['node-1', 'node-2', 'node-3'].map((node, n) => ({
    metric: rule.metric,
    labels: labels(node),
    points: Array.from({ length: 91 }, (_, i) => {
      const climbed = n === 0 && i > 40 ? Math.min(30, (i - 40) * 1.4) : 0;
      const over = n === 0 && resolved && i >= 89 ? -33 : 0;
      return { timeMs: nowMs - (90 - i) * MINUTE, value: 64 - n * 6 + climbed + over + Math.sin(i / 3 + n) };
    }),
  }));
  const range = { fromMs: nowMs - 90 * MINUTE, toMs: nowMs, nowMs, timeZone, intervalMs: MINUTE };
  const spec = buildChartSpec({
    alerts: notification.alerts,
    rule,
    series,
    ...range,
    status: notification.status,
    theme: channel.theme,
  });
  return { notification, picture: await createChartRenderer().render(spec) };
}
