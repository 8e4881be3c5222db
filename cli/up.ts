import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { createServiceManager } from '../adapters/service-manager/notify.ts';
import type { DatabaseName } from '../adapters/sqlite/integrity.ts';
import { ConfigError } from '../core/errors.ts';
import { LOG_LEVELS, type LogLevel } from '../core/model/log.ts';
import type { Logger } from '../core/ports.ts';
import { systemSleep } from '../local/clock.ts';
import { createConfigWatch } from '../local/config-watch.ts';
import { keepHeapSmall } from '../local/heap.ts';
import { createLogDestination } from '../local/log-destination.ts';
import { createLogLevels } from '../local/log-levels.ts';
import { createLogger } from '../local/logger.ts';
import { startUp } from '../local/standby.ts';
import { createSupervision, type Supervision, takeSupervisor } from '../local/supervision.ts';
import type { Bartizan } from '../local/up.ts';
import { withNotes } from './command-notes.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import { createFingerprint } from './config-fingerprint.ts';
import { checkFiles } from './file-check.ts';

/** A longer stop is cut off, because supervisors kill after ten seconds or more. */
const STOP_LIMIT_MS = 10_000;
/** If damage returns sooner, the disk causes it, and another restart at once does not help. */
const RECOVER_AGAIN_MS = 600_000;

interface UpArguments {
  config: string;
  logLevel?: LogLevel;
  recover?: boolean;
  allowRemoval?: boolean;
  watch?: boolean;
}

export function upCommand(): Command {
  const command = new Command('up')
    .description(
      'Run everything in this process: probe on schedule, evaluate rules, alert, serve pictures and health.',
    )
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option(
        '--log-level <level>',
        'least important lines shown (default: `log.level` of the configuration)',
      ).choices(LOG_LEVELS),
    )
    .option(
      '--recover',
      'put a damaged database aside, start with an empty one and send a message to every channel; also while it runs',
    )
    .option(
      '--allow-removal',
      'start although many nodes of the last process are gone from the configuration',
    )
    .option(
      '--watch',
      'put changes of the configuration in force by itself; without it `up` only reports them',
    )
    .action(async (options: UpArguments) => {
      keepHeapSmall();
      let running: Bartizan | undefined;
      let isChangedMeanwhile = false;
      // From the beginning, because a SIGHUP without a listener ends the process.
      process.on('SIGHUP', () => {
        if (running) void running.reload();
        else isChangedMeanwhile = true;
      });
      const { config, warnings, source } = await loadConfig(options.config);
      let included = source.included;
      const fingerprintOf = createFingerprint(options.config);
      const fingerprint = () => fingerprintOf(included.map(({ file }) => file));
      const watch = createConfigWatch({ config, fingerprint: await fingerprint() });
      const read = async () => {
        const again = await loadRegularFile(options.config);
        included = again.source.included;
        return again.config;
      };
      const load = () => watch.load(read, fingerprint);
      const secrets = secretsFor(options.config);
      const logLevels = createLogLevels(config.log, options.logLevel);
      const logger = createLogger({
        level: logLevels,
        pretty: process.stderr.isTTY === true,
        redact: secrets.redact,
        destination: createLogDestination(),
      });
      // The start itself reports a refused key.
      const found = (await checkFiles(options.config, config, source.included)).filter(
        ({ severity }) => severity === 'warning',
      );
      for (const warning of [...warnings, ...found])
        logger.warn(warning.message, { at: `${warning.file}:${warning.line}` });
      const stopSignal = nextSignal();
      const { recover = false, allowRemoval = false } = options;
      const start = async (met?: DatabaseName) => {
        const inForce = running?.config() ?? config;
        const first = running === undefined;
        running = await startUp({
          config: inForce,
          load,
          secrets,
          logger,
          logLevels,
          recover,
          met,
          allowRemoval: allowRemoval && first,
        });
        return running;
      };
      const supervision = superviseProcess({ stuck: () => running?.stuck(), logger });
      const bartizan = await start();
      logger.info('bartizan is up', {
        server: bartizan.url,
        clusters: config.clusters.length,
        nodes: config.clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0),
        rules: config.rules.length,
      });
      await supervision?.ready(`serves ${bartizan.url}`);
      if (isChangedMeanwhile) void bartizan.reload();
      const watching = new AbortController();
      void watch.run({
        fingerprint,
        inForce: () => running?.config(),
        reload: async () => (await running?.reload()) ?? { kind: 'refused', message: '' },
        onChange: (finding) => running?.noteChange(finding),
        applies: options.watch ?? false,
        sleep: systemSleep,
        signal: watching.signal,
        logger,
      });
      if (recover) await recoverUntil(stopSignal, bartizan, start);
      const signal = await stopSignal;
      logger.info('stopping', { signal });
      watching.abort();
      void supervision?.stopping();
      const limit = setTimeout(() => {
        logger.error('did not stop in time; the next start resumes unfinished work');
        process.exit(1);
      }, STOP_LIMIT_MS);
      await running?.stop();
      clearTimeout(limit);
      logger.info('stopped');
      // A connection that hangs in a handshake would keep the process alive for its whole deadline.
      process.exit(0);
    });
  return withNotes(command, {
    examples: [
      ['bartizan up'],
      ['bartizan up --recover', 'as a service: a damaged database does not end the monitoring'],
      [
        'bartizan up -c /etc/bartizan/bartizan.yaml 2>&1 | tee bartizan.log',
        'JSON lines when the output is no terminal',
      ],
    ],
    text: 'It does not start with a damaged database (`data check`), except with `--recover`. SIGTERM and SIGINT end it cleanly within ten seconds; kill -9 loses nothing either. SIGHUP and `bartizan reload` read the configuration again, with its keys and secrets; a wrong one changes nothing.',
    exits1: 'it cannot start, or it does not stop in time',
  });
}

/** Restarts when a damaged database is met, until a signal comes. Resolves to the instance that runs at that time. */
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
    // The last writes to the damaged database are lost with it.
    await bartizan.stop().catch(() => {});
    bartizan = await start(met);
  }
}

/** Undefined where no service manager has started this process. */
function superviseProcess(options: {
  stuck: () => string | undefined;
  logger: Logger;
}): Supervision | undefined {
  const supervisor = takeSupervisor(process.env, process.pid);
  if (!supervisor) return undefined;
  const { socket, watchdogMs } = supervisor;
  return createSupervision({
    manager: createServiceManager(socket),
    watchdogMs,
    sleep: systemSleep,
    ...options,
  });
}

/** A pipe would be waited for. @throws ConfigError as `loadConfig` */
async function loadRegularFile(file: string): ReturnType<typeof loadConfig> {
  const found = await stat(file).catch(() => undefined);
  if (found && !found.isFile()) throw new ConfigError(`${file}: it is no file that can be read again`);
  return await loadConfig(file);
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
