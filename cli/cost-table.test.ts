import { expect, it } from 'vitest';
import type { Cost } from '../core/model/cost.ts';
import { targetOf } from '../test/prober-fixture.ts';
import { costTable } from './cost-table.ts';

const cost = (changes: Partial<Cost>): Cost => ({
  target: targetOf('n', { host: '192.0.2.1', port: 22, hostKey: 'k' }),
  runs: 10,
  ownCpuMs: 0.84,
  nodeCpu: { isKnown: true, sshdMs: 1.26, commandsMs: 7 },
  node: { sentBytes: 8_192, receivedBytes: 2_048 },
  wire: { sentBytes: 8_448, receivedBytes: 2_304 },
  ...changes,
});

it('shows the cost of a login and of each check, and says why a part is unknown', () => {
  const nodeCpu = { isKnown: false, why: 'its /proc hides it' } as const;
  const little = { isKnown: true, sshdMs: 0.2, commandsMs: 0.8 } as const;
  const costs = [
    cost({}),
    cost({ nodeCpu: { ...little, isLeast: true } }),
    cost({ check: 'usage' }),
    cost({ check: 'api', nodeCpu: little }),
    cost({ check: 'etcd', nodeCpu }),
  ];
  expect(costTable(costs).replaceAll(/ {2,}/g, ' | ')).toBe(
    [
      'CLUSTER | NODE | CHECK | NODE: SSHD | COMMANDS | TO NODE | FROM NODE | SENT | RECEIVED | OUR CPU',
      'c | n | (login) | 1.3 ms | – | 8 KiB | 2 KiB | 8.3 KiB | 2.3 KiB | 0.8 ms',
      'c | n | (login) | at least 0.2 ms | – | 8 KiB | 2 KiB | 8.3 KiB | 2.3 KiB | 0.8 ms',
      'c | n | usage | 1.3 ms | 7 ms | 8 KiB | 2 KiB | 8.3 KiB | 2.3 KiB | 0.8 ms',
      'c | n | api | 0.2 ms | < 2 ms | 8 KiB | 2 KiB | 8.3 KiB | 2.3 KiB | 0.8 ms',
      'c | n | etcd | ? | ? | 8 KiB | 2 KiB | 8.3 KiB | 2.3 KiB | 0.8 ms',
      'c/n, etcd: CPU of the node is unknown: its /proc hides it',
      '',
    ].join('\n'),
  );
});

it('says so where there is none', () => {
  expect(costTable([])).toMatch(/no check worked/);
});
