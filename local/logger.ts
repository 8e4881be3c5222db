import pino from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../core/ports.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Lines for people on a terminal, JSON elsewhere. `redact` sees every line before it is written. */
export function createLogger(options: {
  level: LogLevel;
  pretty: boolean;
  redact: (text: string) => string;
  destination?: NodeJS.WritableStream;
}): Logger {
  const { level, redact, destination = process.stderr } = options;
  const stream = options.pretty
    ? pretty({
        destination,
        sync: true,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss',
        colorize: true,
      })
    : destination;
  const log = pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    stream,
  );
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
  };
}
