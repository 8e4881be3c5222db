import { expect, it } from 'vitest';
import type { Labels } from '../core/model/labels.ts';
import { findingText } from './finding-text.ts';

const textOf = (...samples: [metric: string, value: number, labels?: Labels][]) =>
  findingText(samples.map(([metric, value, labels = {}]) => ({ metric, value, labels, timeMs: 0 })));

it.each<[string, Parameters<typeof textOf>]>([
  [
    'ready, version 1.37.2, dial 2 ms, response 12 ms',
    [
      ['apiserver_up', 1],
      ['apiserver_ready', 1],
      ['apiserver_live', 1],
      ['apiserver_version', 1_037_002],
      ['apiserver_phase_duration', 0.002, { phase: 'dial' }],
      ['apiserver_phase_duration', 0.012, { phase: 'response' }],
    ],
  ],
  [
    'not ready, not live, etcd failing',
    [
      ['apiserver_ready', 0],
      ['apiserver_live', 0],
      ['apiserver_check', 0, { name: 'etcd' }],
    ],
  ],
  [
    'not live, live apart from etcd',
    [
      ['apiserver_up', 1],
      ['apiserver_live', 0],
      ['apiserver_live_without_etcd', 1],
    ],
  ],
  [
    'alive, the rest hidden',
    [
      ['apiserver_up', 1],
      ['apiserver_detail', 0],
    ],
  ],
  ['no answer', [['apiserver_up', 0]]],
  ['up', [['etcd_up', 1]]],
  [
    'unhealthy, has a leader no, database 2 GiB',
    [
      ['etcd_healthy', 0],
      ['etcd_has_leader', 0],
      ['etcd_db_size', 2 ** 31],
    ],
  ],
  [
    'healthy, database 8 MiB, 2 of 3 members connected',
    [
      ['etcd_healthy', 1],
      ['etcd_db_size', 2 ** 23],
      ['etcd_reclaimable', 0.1],
      ['etcd_members', 3],
      ['etcd_members_active', 2],
    ],
  ],
  [
    '2 certificates, the first expires in 6d, 4 not readable',
    [
      ['cert_expiry', 864_000, { file: 'a' }],
      ['cert_remaining', 90, { file: 'a' }],
      ['cert_expiry', 518_400, { file: 'b' }],
      ['pki_unreadable', 4],
    ],
  ],
  ['1 certificate, expires 1h ago', [['cert_expiry', -3_600, { file: 'a' }]]],
  ['depth 12', [['check_value', 12, { check: 'queue', name: 'depth' }]]],
  ['–', []],
])('%s', (expected, samples) => {
  expect(textOf(...samples)).toBe(expected);
});
