import { describe, expect, it } from 'vitest';
import type { BastionOutcome, Failure } from '../model/observation.ts';
import { mayBeTheWay, orderWays, readFailedWays, rememberWays } from './ways.ts';

const BATCH = { bastion: 'a', otherBastions: ['b', 'c'] };
const failure: Failure = { reason: 'timeout', phase: 'bastion', detail: '' };
const FAILED: BastionOutcome = { ok: false, failure };
const OK: BastionOutcome = { ok: true };

/** The first bastion of each round, when `a` fares so in one round after the other. */
function firstOf(rounds: readonly (BastionOutcome | undefined)[]): string[] {
  let failed = {};
  return rounds.map((outcome) => {
    const [first = ''] = orderWays(BATCH, failed);
    failed = rememberWays(failed, outcome ? [{ bastion: 'a', outcome }] : []);
    return first;
  });
}

describe('the order of bastions', () => {
  it('is that of the configuration while none has failed', () => {
    expect(orderWays(BATCH, {})).toEqual(['a', 'b', 'c']);
    expect(orderWays({ bastion: 'a' }, { a: 0 })).toEqual(['a']);
  });

  it('has those that failed last, in their order', () => {
    expect(orderWays(BATCH, { a: 0, b: 1 })).toEqual(['c', 'a', 'b']);
  });

  it.each([
    ['it failed once, then works', [FAILED, OK, OK, OK], ['a', 'b', 'b', 'a']],
    ['it comes and goes', [FAILED, OK, FAILED, OK, FAILED, OK], ['a', 'b', 'b', 'b', 'b', 'b']],
    ['nobody tried it', [FAILED, undefined, OK, undefined, OK, OK], ['a', 'b', 'b', 'b', 'b', 'a']],
  ])('returns to the first one after two good rounds: %s', (_, rounds, expected) => {
    expect(firstOf(rounds)).toEqual(expected);
  });

  it.each([
    undefined,
    7,
    {},
    { version: 2, failed: { a: 0 } },
    { version: 1, failed: null },
    { version: 1, failed: { a: 'x' } },
  ])('forgets what it cannot read: %j', (stored) => {
    expect(readFailedWays(stored)).toEqual({});
  });

  it('reads what was stored', () => {
    expect(readFailedWays({ version: 1, failed: { a: 1 } })).toEqual({ a: 1 });
  });
});

describe('a failure that may be that of the network', () => {
  it.each([
    ['unreachable', 'dial', true, true],
    ['timeout', 'handshake', true, true],
    ['timeout', 'exec', true, true],
    ['forbidden', 'dial', true, true],
    ['unreachable', 'connect', false, true],
    ['timeout', 'request', false, true],
    // The node itself asks its service.
    ['unreachable', 'connect', true, false],
    ['timeout', 'tls', true, false],
    ['timeout', 'bastion', true, false],
    // Another bastion must not hide them.
    ['host-key', 'handshake', true, false],
    ['auth', 'handshake', true, false],
    ['penalty', 'handshake', true, false],
    ['command', 'exec', true, false],
    ['output', 'exec', true, false],
  ] as const)('%s in phase %s, check logs in: %s', (reason, phase, logsIn, expected) => {
    expect(mayBeTheWay({ reason, phase, detail: '' }, logsIn)).toBe(expected);
  });
});
