import { expect, it } from 'vitest';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { boundRepeats } from './bounded-logger.ts';
import { createMeter } from './meter.ts';

function createTrial() {
  const time = createVirtualTime(0);
  const inner = createRecordingLogger();
  const meter = createMeter();
  return { time, inner, meter, logger: boundRepeats(inner, { clock: time.clock, meter }) };
}

it('writes a line that repeats twenty times a minute, counts the rest, and says so later', () => {
  const { time, inner, meter, logger } = createTrial();
  for (let i = 0; i < 570; i++) logger.error('notify failed', { error: 'disk full', inARow: i });
  expect([inner.lines.length, meter.total('log_lines_left_out_total')]).toEqual([20, 550]);
  time.jumpTo(60_000);
  logger.error('notify failed', { error: 'disk full', inARow: 570 });
  expect(inner.lines.at(-1)?.fields).toEqual({ error: 'disk full', inARow: 570, leftOutBefore: 550 });
});

it('leaves what differs apart: another error, another channel, another text; and all that is no warning', () => {
  const { inner, logger } = createTrial();
  for (let i = 0; i < 30; i++) {
    logger.warn('not delivered', { channel: 'a', detail: '500' });
    logger.warn('not delivered', { channel: 'b', detail: '500' });
    logger.info('message delivered', { channel: 'a' });
  }
  const lines = (level: string) => inner.lines.filter((line) => line.level === level).length;
  expect([lines('warn'), lines('info')]).toEqual([40, 30]);
});

it('goes on when the clock was set back', () => {
  const { time, inner, logger } = createTrial();
  time.jumpTo(10_000_000);
  for (let i = 0; i < 30; i++) logger.warn('x');
  time.jumpTo(0);
  logger.warn('x');
  expect(inner.lines.length).toBe(21);
});

it('keeps no more kinds than it has room for', () => {
  const { inner, logger } = createTrial();
  for (let i = 0; i < 5_000; i++) logger.error(`failed ${i}`);
  expect(inner.lines.length).toBeLessThanOrEqual(1_000 + 20);
});
