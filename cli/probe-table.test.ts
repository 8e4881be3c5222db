import { expect, it } from 'vitest';
import type { BatchObservation, Observation } from '../core/model/observation.ts';
import { probeTable } from './probe-table.ts';

function observed(node: string, check: string, result: Observation['result']): Observation {
  const target = { cluster: 'prod', node, role: 'etcd' as const, host: node, port: 22, user: 'u' };
  const times = { roundMs: 0, observedAtMs: 0, durationMs: 12 };
  return { check, probe: check, target: { ...target, bastion: 'gate', hostKeys: [] }, ...times, result };
}

const noted = (node: string, notes: readonly string[]) =>
  observed(node, 'pki', { ok: true, samples: [], notes });
const failed = (node: string) =>
  observed(node, 'usage', { ok: false, failure: { reason: 'auth', phase: 'handshake', detail: 'our key' } });

/** What stands below the tables. */
function remarks(...observations: readonly Observation[]): string[] {
  const batch = { roundMs: 0, bastion: 'gate', index: 0, count: 1, checks: [], targets: [], expiresAtMs: 1 };
  const whole: BatchObservation = { batch, bastion: { ok: true }, observations };
  return probeTable([whole])
    .split('\n')
    .filter((line) => line.startsWith('prod/'));
}

it('says the same of several nodes in one line', () => {
  expect(remarks(noted('n1', ['a', 'b']), noted('n2', ['a', 'c']), failed('n1'), failed('n3'))).toEqual([
    'prod/n1, prod/n2, pki: a',
    'prod/n1, pki: b',
    'prod/n1, prod/n3: auth (handshake): our key',
    'prod/n2, pki: c',
  ]);
});

it('counts further nodes, and further lines of a node', () => {
  const nodes = Array.from({ length: 7 }, (_, i) => noted(`n${i + 1}`, ['1', '2', '3', '4', '5', '6']));
  const all = remarks(...nodes);
  expect(all[0]).toBe('prod/n1, prod/n2, prod/n3, prod/n4, prod/n5 and 2 more, pki: 1');
  expect(all.at(-1)).toBe(
    'prod/n1, prod/n2, prod/n3, prod/n4, prod/n5 and 2 more, pki: 2 more lines (`--json`)',
  );
  expect(all).toHaveLength(5);
});

it('has a line for each bastion that failed', () => {
  const { target } = failed('n1');
  const batch = {
    roundMs: 0,
    bastion: 'a',
    index: 0,
    count: 1,
    checks: [],
    targets: [target],
    expiresAtMs: 1,
  };
  const lost = (detail: string) =>
    ({ ok: false, failure: { reason: 'unreachable', phase: 'bastion', detail } }) as const;
  const table = (...outcomes: BatchObservation['bastion'][]) => {
    const ways = outcomes.map((outcome, i) => ({ bastion: i === 0 ? 'a' : 'b', outcome }));
    const bastion = outcomes.find(({ ok }) => ok) ?? lost('gone');
    return probeTable([{ batch, bastion, ways, observations: [] }]);
  };
  expect(table(lost('gone'), lost('full'))).toBe(
    'bastion a: unreachable (bastion): gone; 1 node behind it is unknown\n' +
      'bastion b: unreachable (bastion): full; 1 node behind it is unknown\n',
  );
  expect(table({ ok: true }, lost('full'))).toBe(
    'bastion b: unreachable (bastion): full; its nodes have another bastion\n',
  );
});
