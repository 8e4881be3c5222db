// What the service manager knows of this process: that it is ready, that it works, that it stops.
import type { ServiceManager } from '../adapters/service-manager/notify.ts';
import { describeError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import type { Sleep } from './clock.ts';

/** One lost message, or one that a busy machine delays, must not end a process that works. */
const SIGNS_IN_TIME = 3;

export interface Supervision {
  /** The process serves. From now on the manager gets signs of life, where it waits for them. */
  ready(status: string): Promise<void>;
  /** Ends the signs of life. */
  stopping(): Promise<void>;
}

/**
 * Sends them; a failure is logged once, and once when it ends. No process ends because of one, but the manager may end it.
 * @param watchdogMs after so long without a sign of life the manager restarts the process; undefined: it does not wait for any
 * @param stuck why the process should be restarted (`/livez`); then it gives no sign of life
 */
export function createSupervision(options: {
  manager: ServiceManager;
  watchdogMs: number | undefined;
  stuck: () => string | undefined;
  sleep: Sleep;
  logger: Logger;
}): Supervision {
  const { manager, watchdogMs, stuck, sleep, logger } = options;
  const ending = new AbortController();
  let fails = false;

  async function send(...assignments: string[]): Promise<void> {
    try {
      await manager.notify(...assignments);
      if (fails) logger.info('the service manager gets messages again');
      fails = false;
    } catch (error) {
      if (!fails) logger.error('the service manager gets no messages', { error: describeError(error) });
      fails = true;
    }
  }

  async function giveSigns(everyMs: number): Promise<void> {
    let known: string | undefined;
    while (!ending.signal.aborted) {
      const why = stuck();
      if (why === undefined) await send('WATCHDOG=1');
      else if (known === undefined)
        logger.error('this process gives no sign of life, so that the service manager restarts it', { why });
      known = why;
      await sleep(everyMs, ending.signal);
    }
  }

  return {
    async ready(status) {
      await send('READY=1', `STATUS=${status}`);
      if (watchdogMs !== undefined) void giveSigns(watchdogMs / SIGNS_IN_TIME);
    },
    async stopping() {
      ending.abort();
      await send('STOPPING=1');
    },
  };
}

/**
 * The socket of the manager, and how long it waits for a sign of life, from the environment of a service (sd_notify(3),
 * sd_watchdog_enabled(3)); undefined outside of one. Takes them out, so that no process that this one starts speaks for it.
 */
export function takeSupervisor(
  env: Record<string, string | undefined>,
  pid: number,
): { socket: string; watchdogMs: number | undefined } | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: micros, WATCHDOG_PID: watched } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (!socket) return undefined;
  const watchdogMs = Number(micros) / 1_000;
  const isWatched = watchdogMs > 0 && (watched === undefined || Number(watched) === pid);
  return { socket, watchdogMs: isWatched ? watchdogMs : undefined };
}
