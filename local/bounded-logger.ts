import type { Clock, Logger, Meter } from '../core/ports.ts';

/** The most equal lines in a minute; more are counted and left out. */
const MOST_LINES = 20;
const WINDOW_MS = 60_000;
/** How many different lines are counted separately; all others count as one. */
const MOST_KINDS = 1_000;
/** Warnings with the same text are different when one of these fields differs. */
const NAMING = ['error', 'detail', 'rule', 'channel', 'bastion', 'reason', 'why'] as const;

interface Window {
  sinceMs: number;
  lines: number;
  leftOut: number;
}

/** Limits repeated warnings and errors; the first line after a minute has the number of those that were left out. */
export function boundRepeats(logger: Logger, { clock, meter }: { clock: Clock; meter: Meter }): Logger {
  const windows = new Map<string, Window>();

  function open(key: string, nowMs: number): Window {
    if (windows.size >= MOST_KINDS)
      for (const [old, { sinceMs }] of windows) if (nowMs - sinceMs >= WINDOW_MS) windows.delete(old);
    const kept = windows.size >= MOST_KINDS ? '' : key;
    const fresh = windows.get(kept) ?? { sinceMs: nowMs, lines: 0, leftOut: 0 };
    windows.set(kept, fresh);
    return fresh;
  }

  const bounded =
    (logger: Logger, level: 'warn' | 'error'): Logger['warn'] =>
    (message, fields = {}) => {
      const nowMs = clock.nowMs();
      const key = JSON.stringify([message, ...NAMING.map((name) => fields[name])]);
      const window = windows.get(key) ?? open(key, nowMs);
      let leftOut = 0;
      if (nowMs - window.sinceMs >= WINDOW_MS || nowMs < window.sinceMs) {
        leftOut = window.leftOut;
        Object.assign(window, { sinceMs: nowMs, lines: 0, leftOut: 0 });
      }
      window.lines++;
      if (window.lines > MOST_LINES) {
        window.leftOut++;
        meter.count('log_lines_left_out_total');
        return;
      }
      logger[level](message, leftOut > 0 ? { ...fields, leftOutBefore: leftOut } : fields);
    };

  const logOf = (logger: Logger): Logger => ({
    debug: (message, fields) => logger.debug(message, fields),
    info: (message, fields) => logger.info(message, fields),
    warn: bounded(logger, 'warn'),
    error: bounded(logger, 'error'),
    lost: logger.lost,
    ofStage: logger.ofStage && ((stage) => logOf(logger.ofStage?.(stage) ?? logger)),
  });
  return logOf(logger);
}
