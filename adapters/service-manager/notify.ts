// Messages to the service manager (sd_notify(3)). They are datagrams to a Unix socket, which Node cannot send, so a short
// process of systemd's own `systemd-notify` sends each. The unit must have `NotifyAccess=all`, as that is not the main process.
import { execFile } from 'node:child_process';
import { ConfigError, RetryableError } from '../../core/errors.ts';

/** The manager takes a message at once; a process that needs longer waits for something that is broken. */
const SENT_WITHIN_MS = 10_000;

export interface ServiceManager {
  /** Sends assignments such as `READY=1`. @throws ConfigError without the program, RetryableError when it fails */
  notify(...assignments: string[]): Promise<void>;
}

/** @param socket $NOTIFY_SOCKET: a path, or `@` and an abstract name */
export function createServiceManager(socket: string, program = 'systemd-notify'): ServiceManager {
  return {
    notify: (...assignments) =>
      new Promise((resolve, reject) => {
        const options = {
          env: { NOTIFY_SOCKET: socket, PATH: '/usr/bin:/bin' },
          timeout: SENT_WITHIN_MS,
          killSignal: 'SIGKILL',
          maxBuffer: 4_096,
        } as const;
        execFile(program, assignments, options, (cause, _, stderr) => {
          if (cause === null) return resolve();
          if (cause.code === 'ENOENT')
            return reject(
              new ConfigError(
                `${program}, which sends messages to the service manager, is not installed; install systemd, or write \`Type=exec\` and no \`WatchdogSec\` into the unit`,
                { cause },
              ),
            );
          const why = cause.killed ? `it took longer than ${SENT_WITHIN_MS / 1_000} s` : stderr.trim();
          reject(new RetryableError(`${program} failed: ${why || cause.message}`, { cause }));
        });
      }),
  };
}
