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

it('writes one JSON object a line where no terminal is, secrets redacted', () => {
  expect(JSON.parse(logged(false))).toMatchObject({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    msg: 'bastion failed',
    bastion: 'seoul',
    detail: 'refused for <secret>',
  });
});

it('writes one readable line on a terminal', () => {
  const line = stripVTControlCharacters(logged(true));
  expect(line).toMatch(
    /^\[\d\d:\d\d:\d\d\] WARN: bastion failed {2}bastion=seoul detail="refused for <secret>"\n$/,
  );
});
