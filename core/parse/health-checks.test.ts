import { describe, expect, it } from 'vitest';
import { readRecorded } from '../../test/kube/recorded.ts';
import { type LastFailures, MOST_CHECKS, parseHealthChecks, trackHealthChecks } from './health-checks.ts';

describe('checks that fail', () => {
  it.each([
    ['ok/readyz-verbose', []],
    ['etcd-dead/readyz-verbose', ['etcd', 'etcd-readiness']],
    ['etcd-dead/livez-verbose-without-etcd', []],
    ['unauthorized/readyz', []],
  ])('of a real API server: %s', (name, failing) => {
    expect(parseHealthChecks(readRecorded(`apiserver/${name}`).body)).toEqual({ failing, leftOut: 0 });
  });

  it.each<[string, string, string[], number]>([
    ['nothing', '', [], 0],
    ['a page of HTML', '<html>[-]etcd failed</html>', [], 0],
    ['a cut line', '[-]etcd failed: reason withheld\n[-]poststarthook/rbac', ['etcd'], 0],
    ['one name twice', '[-]etcd failed: a\n[-]etcd failed: b', ['etcd'], 0],
    ['a carriage return', '[-]etcd failed: a\r\n[-]ping failed: b\r\n', ['etcd', 'ping'], 0],
    ['a name with control characters', '[-]a\u0007b failed: x', [], 1],
    ['a name without end', `[-]${'x'.repeat(300)} failed: x`, [], 1],
  ])('in %s', (_, body, failing, leftOut) => {
    expect(parseHealthChecks(body)).toEqual({ failing, leftOut });
  });

  it('are limited in number', () => {
    const body = Array.from({ length: 10_000 }, (_, i) => `[-]check-${i} failed: x`).join('\n');
    const { failing, leftOut } = parseHealthChecks(body);
    expect([failing.length, leftOut]).toEqual([MOST_CHECKS, 10_000 - MOST_CHECKS]);
  });
});

describe('checks over rounds', () => {
  const MINUTE = 60_000;
  /** Each entry is a round, a minute after the one before: the names that fail. */
  const play = (rounds: readonly (readonly string[])[]) => {
    let before: LastFailures = {};
    return rounds.map((failing, i) => {
      const tracked = trackHealthChecks(failing, before, { nowMs: i * MINUTE, recoveredForMs: 3 * MINUTE });
      before = tracked.lastFailures;
      return tracked.states.map(({ name, value }) => `${name} ${value}`).join(', ');
    });
  };

  it('that fail are 0, then 1 for the given time, then nothing', () => {
    expect(play([[], ['etcd'], ['etcd'], [], [], [], []])).toEqual([
      ...['', 'etcd 0', 'etcd 0', 'etcd 1', 'etcd 1', '', ''],
    ]);
  });

  it('are independent of each other', () => {
    expect(play([['etcd'], ['ping'], ['etcd'], []])).toEqual([
      ...['etcd 0', 'ping 0, etcd 1', 'etcd 0, ping 1', 'etcd 1, ping 1'],
    ]);
  });

  it('that failed in the future, as the clock was set back, are forgotten', () => {
    const before = { etcd: 2 * MINUTE };
    expect(trackHealthChecks([], before, { nowMs: MINUTE, recoveredForMs: 60 * MINUTE })).toEqual({
      states: [],
      lastFailures: {},
    });
  });

  it('that a server invents anew each round do not add up', () => {
    let before: LastFailures = {};
    for (let round = 0; round < 10; round++) {
      const failing = Array.from({ length: 50 }, (_, i) => `check-${round}-${i}`);
      before = trackHealthChecks(failing, before, { nowMs: round, recoveredForMs: 1_000 }).lastFailures;
      expect(Object.keys(before).length).toBeLessThanOrEqual(MOST_CHECKS);
    }
    expect(Object.keys(before).filter((name) => name.startsWith('check-9-'))).toHaveLength(50);
  });

  it('with names of objects are names', () => {
    expect(play([['__proto__', 'constructor'], []])).toEqual([
      '__proto__ 0, constructor 0',
      '__proto__ 1, constructor 1',
    ]);
  });
});
