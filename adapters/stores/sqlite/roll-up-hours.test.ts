import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sample } from '../../../core/model/sample.ts';
import { HOUR_MS } from '../../../core/numbers/roll-up.ts';
import { GROUPS } from './schema.ts';
import { openSqliteStore } from './store.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 10, 24);

describe('the sqlite store', () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'bartizan-hours-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  const open = () => openSqliteStore({ path });
  const raw = <T>(use: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(join(path, 'samples.db'));
    try {
      return use(db);
    } finally {
      db.close();
    }
  };
  const all = (sql: string) =>
    raw((db) => db.prepare(sql, { returnArrays: true }).all()) as unknown as unknown[][];
  const sample = (timeMs: number, node: string, metric: string, value: number): Sample => ({
    metric,
    labels: { cluster: 'c', node, role: 'etcd' },
    timeMs,
    value,
  });

  it('makes no hours of roll-ups of an earlier release, and answers as if it had', async () => {
    const store = open();
    const values = [1, 2, 3, 10].map((value, i) => sample(START_MS + i * MINUTE_MS, 'n', 'up', value));
    await store.write([...values, sample(START_MS + 40 * MINUTE_MS, 'n', 'up', 8)]);
    await store.rollUp(START_MS + 50 * MINUTE_MS);
    await store.prune(START_MS + 45 * MINUTE_MS, 0);
    await store.close();
    raw((db) => {
      db.exec('DROP TABLE hour_pending; ALTER TABLE roll_up_state DROP COLUMN hours_from_ms');
      for (const group of GROUPS)
        db.exec(`DROP TABLE hours_${group}; ALTER TABLE roll_ups_${group} DROP COLUMN samples`);
      db.exec('PRAGMA user_version = 2');
    });
    const updated = open();
    await updated.write([
      sample(START_MS + 50 * MINUTE_MS, 'n', 'up', 9),
      sample(START_MS + HOUR_MS, 'n', 'up', 7),
    ]);
    await updated.rollUp(START_MS + 3 * HOUR_MS);
    expect(all('SELECT time_ms FROM hours_node')).toEqual([[START_MS + HOUR_MS]]);
    const [found] =
      (await updated.hourlyRollUps?.({ metric: 'up', fromMs: 0, toMs: START_MS + HOUR_MS })) ?? [];
    expect(found?.points).toEqual([
      // The number of samples in the first period is unknown: the three count the same.
      { timeMs: START_MS, avg: (4 + 8 + 9) / 3, max: 10 },
      { timeMs: START_MS + HOUR_MS, avg: 7, max: 7 },
    ]);
    await updated.close();
  });

  it('rolls an hour of many series up in several transactions, which a late sample may come between', async () => {
    const store = open();
    const nodes = Array.from({ length: 1100 }, (_, i) => `n-${i}`);
    await store.write(nodes.map((node, i) => sample(START_MS, node, 'up', i)));
    await store.rollUp(START_MS + 55 * MINUTE_MS);
    const rolling = store.rollUp(START_MS + HOUR_MS);
    expect(all('SELECT next_label_set FROM hour_pending')).toEqual([[501]]);
    await store.write([sample(START_MS + MINUTE_MS, 'n-1', 'up', 5)]);
    await rolling;
    const read = async () =>
      (await store.hourlyRollUps?.({ metric: 'up', fromMs: START_MS, toMs: START_MS })) ?? [];
    const found = await read();
    expect(found).toHaveLength(1100);
    expect(found[1]?.points).toEqual([{ timeMs: START_MS, avg: 3, max: 5 }]);
    expect(found[700]?.points).toEqual([{ timeMs: START_MS, avg: 700, max: 700 }]);
    expect(all('SELECT count(*) FROM hours_node UNION ALL SELECT count(*) FROM hour_pending')).toEqual([
      [1100],
      [0],
    ]);
    await store.close();
  });
});
