import { expect, it } from 'vitest';
import type { Failure, Observation } from '../core/model/observation.ts';
import { LOGIN_CHECK, nodeRow } from './node-row.ts';

const target = {
  cluster: 'a',
  node: 'n',
  role: 'etcd',
  bastion: 'gate',
  host: 'h',
  port: 22,
  user: 'u',
  hostKeys: [],
} as const;
const context = { name: 'a/n', host: 'h', port: 22, user: 'u', key: 'k', line: 'LINE' };

it.each([
  ['no signature was sent, or it was refused', [], 'answered our script in 12 ms'],
  [
    'it ran with a signature',
    [['signature_expiry', 10.5 * 86_400]],
    'answered our script in 12 ms, signed for another 10 days',
  ],
] as const)('a node that runs scripts, where %s', (_, readings, detail) => {
  const samples = readings.map(([metric, value]) => ({ metric, labels: {}, timeMs: 0, value }));
  const observation: Observation = {
    check: LOGIN_CHECK.name,
    target,
    roundMs: 0,
    observedAtMs: 0,
    durationMs: 12.3,
    result: { ok: true, samples, notes: [] },
  };
  expect(nodeRow(observation, [observation], context)).toEqual({
    kind: 'node',
    name: 'a/n',
    state: 'ok',
    detail,
  });
});

const observed = (check: string, result: Observation['result']): Observation => ({
  check,
  target,
  roundMs: 0,
  observedAtMs: 0,
  durationMs: 12,
  result,
});
const login = observed(LOGIN_CHECK.name, { ok: true, samples: [], notes: [] });
const measured = (check: string, metric: string, value: number) =>
  observed(check, { ok: true, samples: [{ metric, labels: {}, timeMs: 0, value }], notes: [] });
const failing = (check: string, failure: Failure) => observed(check, { ok: false, failure });
const ANSWERED = 'answered our script in 12 ms';

it.each<[string, Observation, object]>([
  [
    'failed with words of its own',
    failing('certs', { reason: 'command', phase: 'exec', detail: 'no certificates: choose others' }),
    { state: 'failed', detail: `${ANSWERED}; check certs: no certificates: choose others` },
  ],
  [
    'runs a script that the line does not allow',
    failing('certs', {
      reason: 'command',
      phase: 'exec',
      detail: 'its authorized_keys line does not allow our script pki@1',
    }),
    {
      state: 'failed',
      detail: `${ANSWERED}; check certs: lets us in, and its authorized_keys line does not allow our script pki@1`,
      advice: expect.stringMatching(/\nLINE$/),
    },
  ],
  [
    'has no way to its service, which the answers of ports say',
    failing('api', { reason: 'forbidden', phase: 'connect', detail: 'not permitted' }),
    { state: 'ok', detail: ANSWERED },
  ],
  ['read all of its paths', measured('certs', 'pki_unreadable', 0), { state: 'ok', detail: ANSWERED }],
  [
    'could not read some of its paths, for which there is no advice',
    measured('certs', 'pki_unreadable', 4),
    {
      state: 'ok',
      detail: `${ANSWERED}; check certs: our user may not read 4 of its paths (\`bartizan probe\` names them)`,
    },
  ],
  ['sees all of an API server', measured('api', 'apiserver_detail', 1), { state: 'ok', detail: ANSWERED }],
  [
    'asked an API server that hides its state',
    measured('api', 'apiserver_detail', 0),
    {
      state: 'warning',
      detail: `${ANSWERED}; check api: the API server is alive, and hides its state from us`,
      advice: expect.stringMatching(/anonymous requests .* read-only credential/),
    },
  ],
])('a node that lets us in, where a check %s', (_, observation, expected) => {
  expect(nodeRow(login, [login, observation], context)).toEqual({ kind: 'node', name: 'a/n', ...expected });
});
