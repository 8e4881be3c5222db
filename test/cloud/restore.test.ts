import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { configOf, configText } from '../config-cases.ts';
import { MINUTE, startCloud } from './cloud.ts';

const START = 480_000 * 3_600_000;
const config = configOf(
  configText({
    clusters: `clusters:
  - name: one
    bastion: seoul
    nodes: [{ name: a, role: etcd, host: h }, { name: b, role: etcd, host: h }, { name: c, role: etcd, host: h }]
`,
    more: `rules:
  - { name: memory, metric: mem_usage, above: 90, for: 2m, severity: critical }
routes: [{ name: all, channels: [ops], groupInterval: 1m }]
`,
  }),
);

/** `a` fires all the time, `b` after the backup, `c` after the restore. */
function memoryOf(node: string, minute: number): number {
  if (node === 'a') return minute >= 2 ? 95 : 40;
  if (node === 'b') return minute >= 8 && minute < 13 ? 95 : 40;
  return minute >= 22 ? 95 : 40;
}

function probe(batch: Batch): BatchObservation {
  const minute = (batch.roundMs - START) / MINUTE;
  return {
    batch,
    bastion: { ok: true },
    observations: batch.targets.map((target) => ({
      check: 'usage',
      target,
      roundMs: batch.roundMs,
      observedAtMs: batch.roundMs,
      durationMs: 1,
      result: {
        ok: true,
        samples: [
          {
            metric: 'mem_usage',
            labels: { cluster: target.cluster, node: target.node, role: target.role },
            timeMs: batch.roundMs,
            value: memoryOf(target.node, minute),
          },
        ],
        notes: [],
      },
    })),
  };
}

it('after a restore, no notification has a key that receivers have seen with other content', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'restore-'));
  const before = startCloud({ config, dir, startMs: START, probe });
  let backup: [string, never][] = [];
  for (let minute = 0; minute < 20; minute++) {
    if (minute === 7) backup = structuredClone([...before.table.items]) as unknown as typeof backup;
    await before.round(START + minute * MINUTE);
  }
  await before.settle();
  await before.store.close();
  const seen = new Set(before.sent.map(({ notification }) => notification.key));
  expect([...seen][0]).toMatch(/^inc-[0-9a-f]+:1$/);
  const startMs = START + 20 * MINUTE;
  const after = startCloud({ config, dir, startMs, probe, tableName: 'bartizan-restored' });
  for (const [key, item] of backup) after.table.items.set(key, item);
  for (let minute = 20; minute < 32; minute++) await after.round(START + minute * MINUTE);
  await after.settle();
  await after.store.close();
  // A receiver that drops keys which it has seen before.
  const taken = after.sent.filter(({ notification }) => !seen.has(notification.key));
  const nodes = taken.flatMap(({ notification }) => notification.alerts.map(({ labels }) => labels.node));
  expect(nodes).toContain('c');
  expect(taken).toHaveLength(after.sent.length);
});
