import { styleText } from 'node:util';
import pino from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel, LogStage } from '../core/model/log.ts';
import type { Logger } from '../core/ports.ts';
import { visibleText } from '../core/text/visible-text.ts';
import type { LogLevels } from './log-levels.ts';

/** Lines for people on a terminal, JSON elsewhere. `redact` changes every line before it is written. */
export function createLogger(options: {
  level: LogLevel | LogLevels;
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
      // Levels are compared below, as they change.
      level: typeof level === 'string' ? level : 'debug',
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => redact(visibleText(line)) },
    },
    stream,
  );
  const levels = typeof level === 'string' ? undefined : level;
  const logOf = (stage: LogStage): Logger => {
    const write =
      (name: 'debug' | 'info' | 'warn' | 'error'): Logger['info'] =>
      (message, fields = {}) => {
        if (!levels) log[name](fields, message);
        else if (levels.allows(stage, name)) log[name]({ ...fields, stage }, message);
      };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      lost: options.destination?.lost,
      ofStage: levels && logOf,
    };
  };
  return logOf('up');
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
