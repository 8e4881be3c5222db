import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { DatabaseName } from '../adapters/sqlite/integrity.ts';
import { createLogger, type LogLevel } from '../local/logger.ts';
import { type Bartizan, startBartizan } from '../local/up.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import { checkFiles } from './file-check.ts';

/** A stop that takes longer is cut off: supervisors kill after ten seconds or more. */
const STOP_LIMIT_MS = 10_000;
/** Damage that comes back sooner is the disk's: starting anew at once again does not help. */
const RECOVER_AGAIN_MS = 600_000;

export function upCommand(): Command {
  const command = new Command('up')
    .description(
      'Run everything in this process: probe on schedule, evaluate rules, alert, serve pictures and health.',
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option('--log-level <level>', 'least important lines shown')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .option(
      '--recover',
      'put a damaged database aside, begin with an empty one and say so in every channel; also while it runs',
    )
    .action(async (options: { config: string; logLevel: LogLevel; recover?: boolean }) => {
      const { config, warnings } = await loadConfig(options.config);
      const secrets = secretsFor(options.config);
      const logger = createLogger({
        level: options.logLevel,
        pretty: process.stderr.isTTY === true,
        redact: secrets.redact,
      });
      // The start itself reports a refused key.
      const found = (await checkFiles(options.config, config)).filter(
        ({ severity }) => severity === 'warning',
      );
      for (const warning of [...warnings, ...found])
        logger.warn(warning.message, { at: `${warning.file}:${warning.line}` });
      const stopSignal = nextSignal();
      const { recover = false } = options;
      const start = (met?: DatabaseName) => startBartizan({ config, secrets, logger, recover, met });
      const bartizan = await start();
      logger.info('bartizan is up', {
        server: bartizan.url,
        clusters: config.clusters.length,
        nodes: config.clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0),
        rules: config.rules.length,
      });
      const running = recover ? await recoverUntil(stopSignal, bartizan, start) : bartizan;
      const signal = await stopSignal;
      logger.info('stopping', { signal });
      const limit = setTimeout(() => {
        logger.error('did not stop in time; the next start resumes unfinished work');
        process.exit(1);
      }, STOP_LIMIT_MS);
      await running.stop();
      clearTimeout(limit);
      logger.info('stopped');
      // A connection that hangs in a handshake would keep the process for its whole deadline.
      process.exit(0);
    });
  return withNotes(command, {
    examples: [
      ['bartizan up'],
      ['bartizan up --recover', 'as a service: a damaged page at night does not end the monitoring'],
      [
        'bartizan up -c /etc/bartizan/bartizan.yaml | tee bartizan.log',
        'JSON lines where there is no terminal',
      ],
    ],
    text: 'It does not start on a database that `data check` calls damaged, unless with `--recover`. SIGTERM and SIGINT end it cleanly within ten seconds; nothing is lost by kill -9 either.',
    exits1: 'it cannot start, or does not stop in time',
  });
}

/** Restarts when a damaged database is met, until a signal comes. Resolves to the instance that runs then. */
export async function recoverUntil(
  signal: Promise<unknown>,
  first: Bartizan,
  start: (met: DatabaseName) => Promise<Bartizan>,
): Promise<Bartizan> {
  let bartizan = first;
  let recoveredAtMs = Number.NEGATIVE_INFINITY;
  const stopping = signal.then(() => 'stopping' as const);
  for (;;) {
    const met = await Promise.race([bartizan.damaged, stopping]);
    if (met === 'stopping') return bartizan;
    const waitMs = recoveredAtMs + RECOVER_AGAIN_MS - performance.now();
    if (waitMs > 0 && (await Promise.race([delay(waitMs), stopping])) === 'stopping') return bartizan;
    recoveredAtMs = performance.now();
    // Writes that the damaged database cannot take at the end are lost with it.
    await bartizan.stop().catch(() => {});
    bartizan = await start(met);
  }
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
