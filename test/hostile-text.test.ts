import { describe, expect, it } from 'vitest';
import { unclearAnswer } from '../adapters/channels/answer.ts';
import { literal } from '../adapters/channels/mattermost/text.ts';
import { inertText } from '../adapters/channels/telegram/text.ts';
import { escapeXml } from '../adapters/charts/elements.ts';
import { cleanLine, responseExcerpt } from '../adapters/http/request.ts';
import { retryAfterOf } from '../adapters/http/retry-after.ts';
import { createRedactor } from '../adapters/secrets/redact.ts';
import { oneLine } from '../adapters/ssh/failure.ts';
import { parseKnownHosts } from '../adapters/ssh/known-hosts.ts';
import { globMatches } from '../core/labels.ts';
import { markupSafeAddress } from '../core/notify/address.ts';
import { compileSilence } from '../core/notify/silences.ts';
import { isName, parseNumber } from '../core/parse/reading.ts';
import { parseUsage } from '../core/parse/usage-output.ts';
import { cutText, visibleLine } from '../core/text/visible-line.ts';
import { localHealth } from '../local/health.ts';
import { cpuMs } from './machine-speed.ts';

const redactor = createRedactor();
redactor.add('/hooks\\\\T0/aaaa"1111');
const answer = (body: string) => ({ status: 200, headers: {}, body, whole: false });
const expected = {
  service: 's',
  confirms: '`ok`',
  isIt: () => false,
  accepts: ['*a*a*b', '*?-*?-data'],
  redact: (text: string) => text,
};
const silence = compileSilence({
  match: { mount: ['*-*-*-data', '*/pods/*/volumes/*/mount'] },
  fromMs: 0,
  untilMs: 1,
  comment: '',
});

/** The code that handles text which a node, a chat service or somebody on the network chooses. */
const MEET_IT: readonly (readonly [string, (text: string) => unknown])[] = [
  ['globs', (text) => globMatches('*-*-*-data', text) || globMatches('*?a*?b*?c', text)],
  ['silences', (text) => silence.covers({ alertId: '', labels: { mount: text }, sinceMs: 0, status: 'ok' })],
  ['visible text', visibleLine],
  ['cut text', (text) => cutText(text, 1_000)],
  ['text for Telegram', inertText],
  ['text for Mattermost', literal],
  ['text in a picture', escapeXml],
  ['an address', markupSafeAddress],
  ['health', (text) => localHealth({ reasons: [], warnings: [{ detail: text }] } as never)],
  [
    'an answer that is shown',
    (text) => responseExcerpt(answer(text), (all) => cleanLine(all, redactor.redact)),
  ],
  [
    'an answer that is read',
    (text) => attempt(() => unclearAnswer({ ...answer(text), whole: true }, expected)),
  ],
  ['retry-after', (text) => retryAfterOf(text, 0)],
  ['masked secrets', redactor.redact],
  ['what a server says', oneLine],
  ['names of devices', (text) => isName(text, Number.POSITIVE_INFINITY)],
  ['numbers', parseNumber],
  ['output of a node', (text) => parseUsage(`@bartizan begin usage 2\n${text}\n@bartizan end\n`)],
  [
    'file systems of a node',
    (text) => parseUsage(`@bartizan begin usage 2\n@blocks\n/${text}\n@bartizan end\n`),
  ],
  [
    'known hosts',
    (text) => parseKnownHosts(`${text} ssh-ed25519 AAAA\n*-*-*-x ${text}`).find({ plain: text }),
  ],
];

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

/** Texts that, repeated, could make some pattern try again and again. */
const REPEATED = [
  'a',
  '-',
  ' ',
  '1',
  '1.',
  '1.1.1 ',
  '/',
  '/a',
  '\n',
  '\r',
  '<!--',
  '&amp;',
  '%25',
  '\\',
  '\u0301',
  '\u200d',
  '☁\ufe0f',
  '👩‍',
  'net a 1 1\n',
  '/dev/a 1 1 1 1% ',
];
const LENGTH = 32 * 1024;
const TEXTS = REPEATED.flatMap((unit) => ['', ' b', '\u0000x'].map((end) => ({ unit, end })));

describe('text that others choose', () => {
  // Code with quadratic time needs a second or more for this length, code with linear time milliseconds.
  it.each(MEET_IT)('%s handles it in linear time', (_, meet) => {
    const slow = TEXTS.find(({ unit, end }) => {
      const text = unit.repeat(LENGTH / unit.length) + end;
      return cpuMs(() => void meet(text)) > 300;
    });
    expect(slow).toBeUndefined();
  });
});
