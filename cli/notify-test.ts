import { Command } from 'commander';
import { findChannelAdapter } from '../adapters/channels/registry.ts';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { sampleMessage } from '../core/chart/sample-message.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import { choose } from '../core/text/suggestions.ts';
import { visibleText } from '../core/text/visible-text.ts';
import { systemClock } from '../local/clock.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { notifyTestShape } from './json-shapes.ts';

const SEND_LIMIT_MS = 60_000;

interface Options {
  config: string;
  resolved?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export function notifyTestCommand(): Command {
  const command = new Command('notify-test')
    .description('Send a sample alert with a chart to a channel, and print the result.')
    .argument('<channel>', 'name of a configured channel')
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .option('--resolved', 'send a resolved alert instead of a firing one')
    .option('--dry-run', 'print the message, and send nothing')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, options: Options) => {
      const { config } = await loadConfig(options.config);
      const channel = config.channels.find((candidate) => candidate.name === name);
      const adapter = findChannelAdapter(channel?.type ?? '');
      if (!channel || !adapter) {
        const names = config.channels.map((candidate) => candidate.name);
        throw new ConfigError(
          `no channel is called ${name}; ${choose(name, names, 'there are') ?? 'the file has none'}`,
        );
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
        const preview = adapter.preview(notification, picture, parsed);
        if (options.json)
          writeJson(notifyTestShape, { channel: name, type: channel.type, delivered: false, preview });
        else process.stdout.write(`${preview}\n`);
        return;
      }
      const secrets = secretsFor(options.config);
      const report = (delivered: boolean, detailText: string) => {
        const detail = secrets.redact(visibleText(detailText));
        process.exitCode = delivered ? 0 : 1;
        if (options.json)
          writeJson(notifyTestShape, { channel: name, type: channel.type, delivered, detail });
        else {
          const stream = delivered ? process.stdout : process.stderr;
          stream.write(`${name} (${adapter.title}): ${delivered ? '' : 'not '}delivered; ${detail}\n`);
        }
      };
      try {
        const sender = adapter.create(parsed, { secrets, clock: systemClock });
        const receipt = await sender.send(notification, picture, {
          signal: AbortSignal.timeout(SEND_LIMIT_MS),
        });
        const { detail, unclear } = receipt;
        report(true, unclear === undefined ? detail : `${detail}; unclear: ${unclear}`);
      } catch (error) {
        report(false, describeError(error));
      }
    });
  return withNotes(command, {
    examples: [['bartizan notify-test ops --dry-run'], ['bartizan notify-test ops --resolved']],
    exits1: 'the message was not delivered',
    json: notifyTestShape,
  });
}
