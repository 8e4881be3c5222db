import { describe, expect, it } from 'vitest';
import type { BatchObservation, Failure, Observation } from '../model/observation.ts';
import type { Target } from '../model/target.ts';
import { hasAnswered, samplesOf } from './samples.ts';

const ROUND = 60_000;
const TARGET: Target = {
  cluster: 'c',
  node: 'n',
  role: 'etcd',
  host: '10.0.0.1',
  port: 22,
  user: 'probe',
  bastion: 'b',
  hostKeys: [],
};
const LABELS = { cluster: 'c', node: 'n', role: 'etcd' };

const failure = (reason: Failure['reason'], phase: Failure['phase']): Failure => ({
  reason,
  phase,
  detail: '',
});
const observed = (result: Observation['result'], check = 'usage'): Observation => ({
  check,
  target: TARGET,
  roundMs: ROUND,
  observedAtMs: ROUND + 70,
  durationMs: 250,
  result,
});
const ok = {
  ok: true,
  samples: [{ metric: 'load1', labels: LABELS, timeMs: ROUND, value: 2 }],
  notes: [],
} as const;
const batch = {
  roundMs: ROUND,
  bastion: 'b',
  index: 2,
  count: 4,
  checks: ['usage'],
  targets: [TARGET],
  expiresAtMs: 0,
};

const linesOf = (bastion: BatchObservation['bastion'], observations: Observation[]) =>
  samplesOf({ batch, bastion, observations }).map(
    ({ metric, labels, timeMs, value }) => `${metric}{${Object.values(labels).join()}}@${timeMs} ${value}`,
  );

describe('samples of a batch', () => {
  it('tell of a node that answered', () => {
    expect(linesOf({ ok: true }, [observed(ok)])).toEqual([
      'bastion_up{b,2}@60000 1',
      'bastion_host_key_mismatch{b,2}@60000 0',
      'up{c,n,etcd}@60000 1',
      'host_key_mismatch{c,n,etcd}@60000 0',
      'probe_duration{c,n,etcd,usage}@60000 0.25',
      'load1{c,n,etcd}@60000 2',
    ]);
  });

  // Whether a host key was seen, and which, follows from how far we came.
  it.each([
    ['unreachable', 'dial', undefined],
    ['forbidden', 'dial', undefined],
    ['timeout', 'handshake', undefined],
    ['protocol', 'handshake', undefined],
    ['host-key-unknown', 'handshake', undefined],
    ['host-key', 'handshake', 1],
    ['auth', 'handshake', 0],
    ['timeout', 'exec', 0],
    ['output', 'exec', 0],
  ] as const)('tell that a node is down: %s in %s', (reason, phase, mismatch) => {
    const key = mismatch === undefined ? [] : [`host_key_mismatch{c,n,etcd}@60000 ${mismatch}`];
    expect(
      linesOf({ ok: true }, [observed({ ok: false, failure: failure(reason, phase) })]).slice(2),
    ).toEqual(['up{c,n,etcd}@60000 0', ...key]);
  });

  it.each([
    ['unreachable', 'bastion', []],
    ['timeout', 'bastion', []],
    ['host-key', 'bastion', ['bastion_host_key_mismatch{b,2}@60000 1']],
    ['forbidden', 'dial', ['bastion_host_key_mismatch{b,2}@60000 0']],
    ['auth', 'bastion', ['bastion_host_key_mismatch{b,2}@60000 0']],
  ] as const)('tell nothing of nodes while the bastion fails: %s', (reason, phase, key) => {
    expect(linesOf({ ok: false, failure: failure(reason, phase) }, [])).toEqual([
      'bastion_up{b,2}@60000 0',
      ...key,
    ]);
  });

  it('keep what nodes said before the bastion was lost, and only that', () => {
    const other = {
      ...observed({ ok: false, failure: failure('timeout', 'dial') }),
      target: { ...TARGET, node: 'm' },
    };
    const lines = linesOf({ ok: false, failure: failure('protocol', 'bastion') }, [observed(ok), other]);
    expect(lines).toContain('up{c,n,etcd}@60000 1');
    expect(lines.filter((line) => line.includes('c,m'))).toEqual([]);
  });

  it('tell once that a node is up, however many checks it had', () => {
    const failed = observed({ ok: false, failure: failure('command', 'exec') }, 'etcd');
    expect(
      linesOf({ ok: true }, [failed, observed(ok)]).filter((line) => /^(up|host_key)/.test(line)),
    ).toEqual(['up{c,n,etcd}@60000 1', 'host_key_mismatch{c,n,etcd}@60000 0']);
  });
});

describe('checks beside `usage`', () => {
  const through = (result: Observation['result']): Observation => ({
    ...observed(result, 'api'),
    probe: 'apiserver',
    withoutLogin: true,
  });
  const inside = (result: Observation['result']): Observation => ({
    ...observed(result, 'certs'),
    probe: 'pki',
  });
  const failed = { ok: false, failure: failure('unreachable', 'dial') } as const;
  const forbidden = { ok: false, failure: failure('forbidden', 'dial') } as const;
  const refused = { ok: false, failure: failure('penalty', 'handshake') } as const;

  it('without a login say nothing about `up`', () => {
    expect(linesOf({ ok: true }, [observed(failed), through(ok)]).slice(2)).toEqual([
      'up{c,n,etcd}@60000 0',
      'probe_success{c,n,etcd,api}@60000 1',
      'probe_duration{c,n,etcd,api}@60000 0.25',
      'load1{c,n,etcd}@60000 2',
    ]);
    expect(linesOf({ ok: true }, [through(forbidden)]).slice(2)).toEqual([
      'probe_success{c,n,etcd,api}@60000 0',
    ]);
  });

  it('with a login do', () => {
    expect(linesOf({ ok: true }, [inside(ok)]).slice(2, 5)).toEqual([
      'up{c,n,etcd}@60000 1',
      'host_key_mismatch{c,n,etcd}@60000 0',
      'probe_success{c,n,etcd,certs}@60000 1',
    ]);
  });

  it('have no result where the node refuses our address for a while', () => {
    expect(linesOf({ ok: true }, [inside(refused)]).slice(2)).toEqual([]);
  });

  it.each([
    ['command', 'exec', undefined],
    ['output', 'exec', undefined],
    ['timeout', 'exec', undefined],
    ['protocol', 'exec', 'up{c,n,etcd}@60000 0'],
    ['auth', 'handshake', 'up{c,n,etcd}@60000 0'],
  ] as const)(
    "whose script is the operator's say nothing about `up` when that fails: %s in %s",
    (reason, phase, up) => {
      const own: Observation = {
        ...observed({ ok: false, failure: failure(reason, phase) }, 'own'),
        probe: 'command',
      };
      const lines = linesOf({ ok: true }, [own]);
      expect(lines.find((line) => line.startsWith('up{'))).toBe(up);
      expect(lines).toContain('probe_success{c,n,etcd,own}@60000 0');
    },
  );

  it('that fail at a service say nothing about `up`', () => {
    for (const phase of ['connect', 'tls', 'request'] as const) {
      const atService = inside({ ok: false, failure: failure('forbidden', phase) });
      expect(linesOf({ ok: true }, [atService]).slice(2)).toEqual(['probe_success{c,n,etcd,certs}@60000 0']);
      expect(linesOf({ ok: true }, [observed(ok), atService])[2]).toBe('up{c,n,etcd}@60000 1');
    }
  });

  it('that answer through the bastion do not show that a failed login is the fault of the node', () => {
    expect(hasAnswered([observed(failed), through(ok)])).toBe(false);
    expect(hasAnswered([observed(ok), through(forbidden)])).toBe(true);
    expect(hasAnswered([through(ok)])).toBe(true);
    expect(hasAnswered([through(forbidden)])).toBe(false);
  });
});

describe('samples of several nodes', () => {
  const other: Target = { ...TARGET, node: 'm' };
  const at = (target: Target, result: Observation['result'], change: Partial<Observation> = {}) => ({
    ...observed(result),
    target,
    ...change,
  });
  const down = { ok: false, failure: failure('timeout', 'dial') } as const;
  const upOf = (observations: Observation[], bastion: BatchObservation['bastion'] = { ok: true }) =>
    samplesOf({ batch, bastion, observations })
      .filter(({ metric }) => metric === 'up')
      .map(({ labels, value }) => `${labels.cluster}/${labels.node} ${value}`);

  it('are told apart, also where two clusters have a node of one name', () => {
    const elsewhere = { ...TARGET, cluster: 'd' };
    expect(upOf([at(TARGET, ok), at(other, down), at(elsewhere, down)])).toEqual(['c/n 1', 'c/m 0', 'd/n 0']);
  });

  it('of one node are one: it is up if one of its checks could log in', () => {
    expect(upOf([at(TARGET, down), at(TARGET, ok, { check: 'other' })])).toEqual(['c/n 1']);
  });

  it('while the bastion fails are of those alone that answered', () => {
    const bastion = { ok: false, failure: failure('timeout', 'bastion') } as const;
    expect(upOf([at(TARGET, ok), at(other, down)], bastion)).toEqual(['c/n 1']);
    const [first] = samplesOf({ batch, bastion, observations: [] });
    expect(first).toMatchObject({ metric: 'bastion_up', value: 0 });
  });

  it('of a session of before do not say whether logins work, nor do penalties', () => {
    const unknown = { ...ok, login: 'unknown' } as const;
    const penalty = { ok: false, failure: failure('penalty', 'handshake') } as const;
    expect(upOf([at(TARGET, unknown), at(other, penalty)])).toEqual([]);
    expect(upOf([at(TARGET, unknown), at(TARGET, ok, { check: 'other' })])).toEqual(['c/n 1']);
    expect(upOf([at(TARGET, penalty), at(TARGET, down, { check: 'other' })])).toEqual([]);
  });
});
