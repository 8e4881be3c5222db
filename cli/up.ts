import { Command, Option } from 'commander';
import { createLogger, type LogLevel } from '../local/logger.ts';
import { startBartizan } from '../local/up.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, secretsFor } from './config-file.ts';

/** A stop that takes longer is cut off: supervisors kill after ten seconds or more. */
const STOP_LIMIT_MS = 10_000;

export function upCommand(): Command {
  const command = new Command('up')
    .description(
      'Run everything in this process: probe on schedule, judge, alert, serve pictures and health.',
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option('--log-level <level>', 'least important lines shown')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .action(async (options: { config: string; logLevel: LogLevel }) => {
      const { config, warnings } = await loadConfig(options.config);
      const secrets = secretsFor(options.config);
      const logger = createLogger({
        level: options.logLevel,
        pretty: process.stderr.isTTY === true,
        redact: secrets.redact,
      });
      for (const warning of warnings) logger.warn(warning.message, { at: `${warning.file}:${warning.line}` });
      const stopSignal = nextSignal();
      const bartizan = await startBartizan({ config, secrets, logger });
      logger.info('bartizan is up', {
        server: bartizan.url,
        clusters: config.clusters.length,
        nodes: config.clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0),
        rules: config.rules.length,
      });
      const signal = await stopSignal;
      logger.info('stopping', { signal });
      const limit = setTimeout(() => {
        logger.error('did not stop in time; what was under way is taken up by the next start');
        process.exit(1);
      }, STOP_LIMIT_MS);
      await bartizan.stop();
      clearTimeout(limit);
      logger.info('stopped');
      // A connection that hangs in a handshake would keep the process for its whole deadline.
      process.exit(0);
    });
  return withNotes(command, {
    examples: [
      ['bartizan up'],
      [
        'bartizan up -c /etc/bartizan/bartizan.yaml | tee bartizan.log',
        'JSON lines where there is no terminal',
      ],
    ],
    text: 'SIGTERM and SIGINT end it cleanly within ten seconds; nothing is lost by kill -9 either.',
    exits1: 'it cannot start, or does not stop in time',
  });
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
