export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Parts of the log with a level of their own. `up` is everything else: start, stop, reload, health, the server, the data. */
export const LOG_STAGES = ['plan', 'probe', 'store', 'evaluate', 'notify', 'audit', 'up'] as const;
export type LogStage = (typeof LOG_STAGES)[number];
