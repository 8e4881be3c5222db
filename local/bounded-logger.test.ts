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

it('writes a repeated line twenty times a minute, counts the others, and reports their number later', () => {
  const { time, inner, meter, logger } = createTrial();
  for (let i = 0; i < 570; i++) logger.error('notify failed', { error: 'disk full', inARow: i });
  expect([inner.lines.length, meter.total('log_lines_left_out_total')]).toEqual([20, 550]);
  time.jumpTo(60_000);
  logger.error('notify failed', { error: 'disk full', inARow: 570 });
  expect(inner.lines.at(-1)?.fields).toEqual({ error: 'disk full', inARow: 570, leftOutBefore: 550 });
});

it('counts different lines separately (another error, channel or text), and does not limit lines below a warning', () => {
  const { inner, logger } = createTrial();
  for (let i = 0; i < 30; i++) {
    logger.warn('not delivered', { channel: 'a', detail: '500' });
    logger.warn('not delivered', { channel: 'b', detail: '500' });
    logger.info('message delivered', { channel: 'a' });
  }
  const lines = (level: string) => inner.lines.filter((line) => line.level === level).length;
  expect([lines('warn'), lines('info')]).toEqual([40, 30]);
});

it('works on after the clock was set back', () => {
  const { time, inner, logger } = createTrial();
  time.jumpTo(10_000_000);
  for (let i = 0; i < 30; i++) logger.warn('x');
  time.jumpTo(0);
  logger.warn('x');
  expect(inner.lines.length).toBe(21);
});

it('counts a limited number of different lines', () => {
  const { inner, logger } = createTrial();
  for (let i = 0; i < 5_000; i++) logger.error(`failed ${i}`);
  expect(inner.lines.length).toBeLessThanOrEqual(1_000 + 20);
});
