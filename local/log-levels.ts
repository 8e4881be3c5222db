import { z } from 'zod';
import type { Config } from '../core/model/config.ts';
import { LOG_LEVELS, LOG_STAGES, type LogLevel, type LogStage } from '../core/model/log.ts';
import type { ControlCommands } from './control.ts';

export interface LogLevels {
  of(stage: LogStage): LogLevel;
  allows(stage: LogStage, level: LogLevel): boolean;
  /** Until the next start, or a reload that changes `log`. Without a stage, of all stages. */
  set(stage: LogStage | undefined, level: LogLevel): void;
  /** Takes the levels of a configuration, unless they are those that were taken last. */
  configure(settings: Config['log']): void;
}

/** `fixed`: the level of the command line, which goes before the `level` of the configuration. */
export function createLogLevels(settings: Config['log'], fixed?: LogLevel): LogLevels {
  const levels = new Map<LogStage, LogLevel>();
  let taken: string | undefined;
  const of = (stage: LogStage) => levels.get(stage) ?? 'info';
  const log: LogLevels = {
    of,
    allows: (stage, level) => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(of(stage)),
    set(stage, level) {
      for (const one of stage === undefined ? LOG_STAGES : [stage]) levels.set(one, level);
    },
    configure(next) {
      const text = JSON.stringify(next ?? {});
      if (text === taken) return;
      taken = text;
      for (const stage of LOG_STAGES)
        levels.set(stage, next?.stages[stage] ?? fixed ?? next?.level ?? 'info');
    },
  };
  log.configure(settings);
  return log;
}

const argsSchema = z.strictObject({
  stage: z.enum(LOG_STAGES).optional(),
  level: z.enum(LOG_LEVELS).optional(),
});

/** The command `log-level`: sets a level where one is given, and answers with those of all stages. */
export function logLevelCommand(levels: LogLevels | undefined): ControlCommands[string] {
  return async (args) => {
    const asked = argsSchema.safeParse(args ?? {});
    if (!asked.success)
      return { ok: false, message: 'unknown stage or level: is this `up` of another release?' };
    if (!levels) return { ok: false, message: 'the log of this process has no levels to change' };
    const { stage, level } = asked.data;
    if (level !== undefined) levels.set(stage, level);
    const detail = LOG_STAGES.map((one) => ({ stage: one, level: levels.of(one) }));
    return { ok: true, message: detail.map((one) => `${one.stage} ${one.level}`).join(', '), detail };
  };
}
