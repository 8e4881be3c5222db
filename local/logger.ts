import { styleText } from 'node:util';
import pino from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../core/ports.ts';
import { visibleText } from '../core/text/visible-text.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Lines for people on a terminal, JSON elsewhere. `redact` changes every line before it is written. */
export function createLogger(options: {
  level: LogLevel;
  pretty: boolean;
  redact: (text: string) => string;
  destination?: NodeJS.WritableStream & Pick<Logger, 'lost'>;
}): Logger {
  const { level, redact, destination = process.stderr } = options;
  const stream = options.pretty
    ? pretty({
        destination,
        sync: true,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss',
        colorize: true,
        hideObject: true,
        messageFormat: lineOf,
      })
    : destination;
  const log = pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => redact(visibleText(line)) },
    },
    stream,
  );
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
    lost: options.destination?.lost,
  };
}

const OWN_FIELDS = new Set(['level', 'time', 'msg']);

/** Message and fields on one line: `bastion failed  bastion=seoul reason=timeout`. */
function lineOf(entry: Record<string, unknown>): string {
  const fields = Object.entries(entry)
    .filter(([name, value]) => !OWN_FIELDS.has(name) && value !== undefined)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'string' && !/\s/.test(value) ? visibleText(value) : JSON.stringify(value)}`,
    );
  return [visibleText(String(entry.msg)), styleText('dim', fields.join(' '), { validateStream: false })].join(
    '  ',
  );
}
