import { expect, it } from 'vitest';
import type { Observation } from '../core/model/observation.ts';
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
