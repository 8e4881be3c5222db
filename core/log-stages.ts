import type { LogStage } from './model/log.ts';
import type { Logger } from './ports.ts';

/** The part of a log for one stage; the whole where a log has no parts. */
export function stageLog(logger: Logger, stage: LogStage): Logger {
  return logger.ofStage?.(stage) ?? logger;
}
