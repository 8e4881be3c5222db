import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function logged(pretty: boolean): string {
  const destination = new PassThrough();
  const redact = (text: string) => text.replaceAll('hunter2', '<secret>');
  const logger = createLogger({ level: 'info', pretty, redact, destination });
  logger.debug('not shown');
  logger.warn('bastion failed', { bastion: 'seoul', detail: 'refused for hunter2', left: undefined });
  return String(destination.read());
}

it('without a terminal it writes one JSON object a line, with secrets redacted', () => {
  expect(JSON.parse(logged(false))).toMatchObject({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    msg: 'bastion failed',
    bastion: 'seoul',
    detail: 'refused for <secret>',
  });
});

it.each([false, true])('on a terminal no text from outside can control it: %s', (pretty) => {
  const destination = new PassThrough();
  const logger = createLogger({ level: 'info', pretty, redact: (text) => text, destination });
  const hostile = '\u001b]0;owned\u0007\u009b2J\u202egnp\u200b';
  logger.warn(`node says ${hostile}`, { bare: hostile.replaceAll(' ', ''), spaced: `a ${hostile}` });
  const line = stripVTControlCharacters(String(destination.read()).replace(/\n$/, ''));
  expect(line).toContain('owned');
  expect(line).not.toMatch(/\p{Cc}|[\u202e\u200b]/u);
});

it('on a terminal it writes one readable line', () => {
  const line = stripVTControlCharacters(logged(true));
  expect(line).toMatch(
    /^\[\d\d:\d\d:\d\d\] WARN: bastion failed {2}bastion=seoul detail="refused for <secret>"\n$/,
  );
});
