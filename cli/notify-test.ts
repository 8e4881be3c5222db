import { Command } from 'commander';
import type { ChannelAdapter } from '../adapters/channels/channel-adapter.ts';
import { CHANNELS } from '../adapters/channels/registry.ts';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import { sampleMessage } from '../core/notify/sample.ts';
import { systemClock } from '../local/clock.ts';
import { loadConfig, secretsFor } from './config-file.ts';

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
      const { notification, chart } = sampleMessage({
        channel: name,
        resolved: options.resolved === true,
        nowMs: systemClock.nowMs(),
        timeZone: config.schedule.timeZone,
        theme: channel.theme,
      });
      const picture = await createChartRenderer().render(chart);
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
