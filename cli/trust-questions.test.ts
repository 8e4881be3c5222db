import { describe, expect, it } from 'vitest';
import type { ScannedKey } from '../adapters/ssh/trust.ts';
import { addFingerprint } from './trust.ts';
import { createAsk } from './trust-questions.ts';

const key = (verdict: ScannedKey['verdict'] = 'unknown', inConfiguration = false): ScannedKey => ({
  what: 'prod/n1',
  address: '10.0.0.1:22',
  type: 'ssh-ed25519',
  fingerprint: 'SHA256:new',
  key: 'ssh-ed25519 AAAAnew',
  verdict,
  pinned: verdict === 'changed' ? ['ssh-ed25519 SHA256:old'] : [],
  inConfiguration,
});

/** A person who gives these answers; `^C` is Ctrl-C in the middle of a question. */
function asked(options: Parameters<typeof createAsk>[0], answers: readonly string[], present = true) {
  const left = [...answers];
  const questions: string[] = [];
  let interrupt: () => void = () => {};
  const terminal = {
    on: (_event: string, listener: () => void) => {
      interrupt = listener;
    },
    question: async (text: string, { signal }: { signal: AbortSignal }) => {
      questions.push(text);
      const answer = left.shift() ?? '';
      if (answer === '^C') interrupt();
      signal.throwIfAborted();
      return answer;
    },
  } as unknown as Parameters<typeof createAsk>[1];
  let printed = '';
  const ask = createAsk(options, present ? terminal : undefined, (text) => {
    printed += text;
  });
  return { ask, questions, printed: () => printed };
}

describe('an unknown key', () => {
  it.each([
    [['y'], [true]],
    [
      ['YES ', 'n', ''],
      [true, false, false],
    ],
    [
      ['n', 'all', 'never asked'],
      [false, true, true],
    ],
    [
      ['y', '^C', 'y'],
      [true, false, false],
    ],
    [
      ['ye', 'y', 'SHA256:new', 'SHA256:old', 'n'],
      [true, true, false],
    ],
  ])('is learned or not, depending on the answers %j', async (answers, expected) => {
    const { ask } = asked({}, answers);
    const given: boolean[] = [];
    for (const _ of expected) given.push(await ask(key()));
    expect(given).toEqual(expected);
  });

  it('causes no more questions after "all" and after Ctrl-C', async () => {
    for (const answer of ['all', '^C']) {
      const { ask, questions } = asked({}, [answer]);
      for (let i = 0; i < 3; i++) await ask(key());
      expect(questions).toEqual(['prod/n1 (10.0.0.1:22) shows ssh-ed25519 SHA256:new\nTrust it? [y/N/all] ']);
    }
  });

  it('is learned with --yes, and refused when nobody can answer', async () => {
    expect(await asked({ yes: true }, [], false).ask(key())).toBe(true);
    const { ask, printed } = asked({}, [], false);
    expect(await ask(key())).toBe(false);
    expect(printed()).toContain('use --fingerprint SHA256:new, or --yes');
    expect(await asked({ fingerprints: new Set(['SHA256:new']) }, [], false).ask(key())).toBe(true);
  });
});

describe('a changed key', () => {
  it('is not replaced without --replace, also with --yes, and the command is printed', async () => {
    const { ask, questions, printed } = asked({ yes: true, fingerprints: new Set(['SHA256:new']) }, [
      'replace',
    ]);
    expect(await ask(key('changed'))).toBe(false);
    expect(questions).toEqual([]);
    expect(printed()).toContain('has CHANGED');
    expect(printed()).toContain('pinned is ssh-ed25519 SHA256:old');
    expect(printed()).toContain('`bartizan trust --replace prod/n1`');
  });

  it.each([
    [['replace'], true, 1],
    [[' REPLACE'], true, 1],
    [['SHA256:new'], true, 1],
    [['y', 'replace'], true, 2],
    [['y'], false, 2],
    [['no'], false, 1],
    [['y', 'yes', 'do it', 'replace'], false, 3],
  ])('is replaced after the word "replace", or its fingerprint: %j', async (answers, expected, asks) => {
    const { ask, questions, printed } = asked({ yes: true, replace: true }, answers);
    expect(await ask(key('changed'))).toBe(expected);
    expect(questions).toEqual(
      Array(asks).fill('Replace the pinned key? Write the word "replace" to do so: '),
    );
    expect(printed().includes('Not replaced; the pinned key stays.')).toBe(!expected);
  });

  it('causes an explanation when the answer is not accepted', async () => {
    const { ask, printed } = asked({ replace: true }, ['yes', 'SHA256:old', '\u001b[2Jx']);
    await ask(key('changed'));
    expect(printed()).toContain('`yes` is not "replace" or the whole fingerprint. An empty answer is no.\n');
    expect(printed()).toContain('`SHA256:old` is another fingerprint than the host shows.');
    expect(printed()).toContain(
      '` [2Jx` is not "replace" or the whole fingerprint. Taken as no.\nNot replaced',
    );
  });

  it('is replaced without a terminal if --fingerprint names its fingerprint; otherwise the command is printed', async () => {
    const named = asked({ yes: true, replace: true, fingerprints: new Set(['SHA256:new']) }, [], false);
    expect(await named.ask(key('changed'))).toBe(true);
    for (const fingerprints of [new Set<string>(), new Set(['SHA256:old'])]) {
      const { ask, printed } = asked({ yes: true, replace: true, fingerprints }, [], false);
      expect(await ask(key('changed'))).toBe(false);
      expect(printed()).toContain('`bartizan trust --replace --fingerprint SHA256:new prod/n1`');
    }
  });

  it('is not replaced when the configuration pins it; the line for the configuration is printed', async () => {
    const options = { replace: true, fingerprints: new Set(['SHA256:new']) };
    const { ask, questions, printed } = asked(options, ['replace']);
    expect(await ask(key('changed', true))).toBe(false);
    expect(questions).toEqual([]);
    expect(printed()).toContain('Write there, in its `hostKeys`:\nssh-ed25519 AAAAnew\n');
  });

  it('causes a question although "all" was the answer for unknown keys', async () => {
    const { ask, questions } = asked({ replace: true }, ['all', 'no']);
    expect([await ask(key()), await ask(key('changed'))]).toEqual([true, false]);
    expect(questions).toHaveLength(2);
  });
});

it('a revoked key is never accepted', async () => {
  const { ask, questions, printed } = asked({ yes: true, replace: true }, ['replace']);
  expect(await ask(key('revoked'))).toBe(false);
  expect(questions).toEqual([]);
  expect(printed()).toContain('REVOKED');
});

describe('--fingerprint', () => {
  const shown = 'SHA256:9/FsYgqJ3DAJpV3g9T0rhMttJekGt5VnIjxUp06aHLw';
  it('takes the output of ssh-keygen, several times', () => {
    const first = addFingerprint(shown, new Set());
    expect([...addFingerprint(` ${shown}= `, first)]).toEqual([shown]);
    expect(addFingerprint(shown.replace('9', '8'), first).size).toBe(2);
  });
  it.each(['', 'SHA256:', 'MD5:aa:bb', shown.slice(0, -1), `${shown}x`, shown.slice(7), 'prod/n1'])(
    'refuses %j',
    (text) => {
      expect(() => addFingerprint(text, new Set())).toThrow(/ssh-keygen -lf/);
    },
  );
});
