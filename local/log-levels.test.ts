import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { stageLog } from '../core/log-stages.ts';
import type { Config } from '../core/model/config.ts';
import { LOG_STAGES, type LogLevel } from '../core/model/log.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { boundRepeats } from './bounded-logger.ts';
import { createLogLevels, logLevelCommand } from './log-levels.ts';
import { createLogger } from './logger.ts';
import { createMeter } from './meter.ts';

const LEVELS: [
  name: string,
  settings: Config['log'],
  fixed: LogLevel | undefined,
  expected: Record<string, LogLevel>,
][] = [
  ['nothing', undefined, undefined, { probe: 'info', up: 'info' }],
  ['a level', { level: 'warn', stages: {} }, undefined, { probe: 'warn', up: 'warn' }],
  [
    'a level of a stage',
    { level: 'warn', stages: { probe: 'debug' } },
    undefined,
    { probe: 'debug', up: 'warn' },
  ],
  ['a level on the command line', { level: 'warn', stages: {} }, 'error', { probe: 'error', up: 'error' }],
  ['both', { level: 'info', stages: { probe: 'debug' } }, 'error', { probe: 'debug', up: 'error' }],
];
it.each(LEVELS)('levels follow from %s', (_, settings, fixed, expected) => {
  const levels = createLogLevels(settings, fixed);
  for (const stage of ['probe', 'up'] as const) expect(levels.of(stage)).toBe(expected[stage]);
});

/** The messages and stages that get through, by a log as `up` has it. */
function trial(settings?: Config['log']) {
  const levels = createLogLevels(settings);
  const destination = new PassThrough();
  const log = createLogger({ level: levels, pretty: false, redact: (text) => text, destination });
  const logger = boundRepeats(log, { clock: { nowMs: () => 0 }, meter: createMeter() });
  return {
    levels,
    logger,
    lines: () =>
      String(destination.read() ?? '')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { msg: string; stage: string; level: string })
        .map(({ msg, stage, level }) => `${stage} ${level} ${msg}`),
  };
}

it('each stage writes the lines of its own level, with its name', () => {
  const { logger, lines } = trial({ level: 'warn', stages: { probe: 'debug', notify: 'silent' } });
  for (const stage of ['probe', 'notify', 'store'] as const) {
    const log = stageLog(logger, stage);
    log.debug('d');
    log.info('i');
    log.warn('w');
    log.error('e');
  }
  logger.info('i');
  logger.error('e');
  expect(lines()).toEqual([
    ...['debug d', 'info i', 'warn w', 'error e'].map((line) => `probe ${line}`),
    'store warn w',
    'store error e',
    'up error e',
  ]);
});

it('a change counts from the next line on', () => {
  const { logger, levels, lines } = trial();
  const probe = stageLog(logger, 'probe');
  probe.debug('before');
  levels.set('probe', 'debug');
  probe.debug('after');
  levels.set(undefined, 'error');
  probe.warn('quiet');
  expect(lines()).toEqual(['probe debug after']);
});

it('a reload with the same settings keeps what was changed by hand; one with others takes them', () => {
  const settings = { level: 'info' as const, stages: {} };
  const levels = createLogLevels(settings);
  levels.set('probe', 'debug');
  levels.configure({ ...settings });
  expect(levels.of('probe')).toBe('debug');
  levels.configure({ ...settings, level: 'warn' });
  expect(levels.of('probe')).toBe('warn');
  levels.configure(undefined);
  expect(levels.of('probe')).toBe('info');
});

it('a log without stages stays whole', () => {
  const logger = createRecordingLogger();
  stageLog(boundRepeats(logger, { clock: { nowMs: () => 0 }, meter: createMeter() }), 'probe').info('x');
  expect(logger.lines).toHaveLength(1);
});

describe('the command', () => {
  it('answers with the levels of all stages, and sets one or all', async () => {
    const levels = createLogLevels(undefined);
    const run = logLevelCommand(levels);
    expect((await run?.({}))?.detail).toEqual(LOG_STAGES.map((stage) => ({ stage, level: 'info' })));
    await run?.({ stage: 'probe', level: 'debug' });
    expect([levels.of('probe'), levels.of('store')]).toEqual(['debug', 'info']);
    await run?.({ level: 'error' });
    expect([levels.of('probe'), levels.of('store')]).toEqual(['error', 'error']);
  });

  it.each([
    [{ stage: 'prob', level: 'debug' }],
    [{ stage: 'probe', level: 'loud' }],
    [{ stage: 'probe', level: 'debug', more: 1 }],
    ['debug'],
  ])('changes nothing for %j', async (args) => {
    const levels = createLogLevels(undefined);
    expect(await logLevelCommand(levels)?.(args)).toMatchObject({ ok: false });
    expect(levels.of('probe')).toBe('info');
  });
});
