import { describe, expect, it } from 'vitest';
import type { ShownKey } from '../adapters/ssh/trust.ts';
import { createAsk } from './trust-questions.ts';

const key = (verdict: ShownKey['verdict'] = 'unknown', inConfiguration = false): ShownKey => ({
  what: 'prod/n1',
  address: '10.0.0.1:22',
  type: 'ssh-ed25519',
  fingerprint: 'SHA256:new',
  verdict,
  pinned: verdict === 'changed' ? ['ssh-ed25519 SHA256:old'] : [],
  inConfiguration,
});

/** Somebody who answers in turn; `^C` is Ctrl-C in the middle of a question. */
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
  let said = '';
  const ask = createAsk(options, present ? terminal : undefined, (text) => {
    said += text;
  });
  return { ask, questions, said: () => said };
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
  ])('is answered with %j', async (answers, expected) => {
    const { ask } = asked({}, answers);
    const given: boolean[] = [];
    for (const _ of expected) given.push(await ask(key()));
    expect(given).toEqual(expected);
  });

  it('asks nothing more after "all" and after Ctrl-C', async () => {
    for (const answer of ['all', '^C']) {
      const { ask, questions } = asked({}, [answer]);
      for (let i = 0; i < 3; i++) await ask(key());
      expect(questions).toEqual(['prod/n1 (10.0.0.1:22) shows ssh-ed25519 SHA256:new\nTrust it? [y/N/all] ']);
    }
  });

  it('is taken with --yes, and not where nobody can be asked', async () => {
    expect(await asked({ yes: true }, [], false).ask(key())).toBe(true);
    const { ask, said } = asked({}, [], false);
    expect(await ask(key())).toBe(false);
    expect(said()).toContain('use --yes');
  });
});

describe('a changed key', () => {
  it('is kept as it was without --replace, whatever --yes says', async () => {
    const { ask, questions, said } = asked({ yes: true }, ['replace']);
    expect(await ask(key('changed'))).toBe(false);
    expect(questions).toEqual([]);
    expect(said()).toContain('has CHANGED');
    expect(said()).toContain('pinned is ssh-ed25519 SHA256:old');
  });

  it.each([
    [['replace'], true, true],
    [['y'], true, false],
    [['replace'], false, false],
  ])('is replaced by the whole word only, by somebody: %j', async (answers, present, expected) => {
    const { ask, said } = asked({ yes: true, replace: true }, answers, present);
    expect(await ask(key('changed', true))).toBe(expected);
    expect(said()).toContain('The old key stands in the configuration');
  });

  it('is asked for though "all" was said of unknown ones', async () => {
    const { ask, questions } = asked({ replace: true }, ['all', 'no']);
    expect([await ask(key()), await ask(key('changed'))]).toEqual([true, false]);
    expect(questions).toHaveLength(2);
  });
});

it('a revoked key is never accepted', async () => {
  const { ask, questions, said } = asked({ yes: true, replace: true }, ['replace']);
  expect(await ask(key('revoked'))).toBe(false);
  expect(questions).toEqual([]);
  expect(said()).toContain('REVOKED');
});
