import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { PERIOD_MS } from '../../../core/numbers/roll-up.ts';
import { killRepeatedly } from '../../../test/contract/kill-loop.ts';
import {
  FIRST_MS,
  KEEP_ROUNDS,
  ROUND_METRICS,
  ROUND_MS,
  roundSamples,
  wholeRounds,
} from '../../../test/contract/store-rounds.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { openSqliteStore } from './store.ts';

const script = (name: string) => join(import.meta.dirname, '../../../test/contract', name);

describe('sqlite store under fire', () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'bartizan-crash-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('has every round it acknowledged, and no half of one, after each of 50 kills', async () => {
    let acknowledged = -1;
    let early = 0;
    await killRepeatedly({
      script: script('store-writer.ts'),
      args: [path],
      times: 50,
      maxLifeMs: scaledMs(80),
      async onKilled(lines) {
        const rounds = lines.slice(1).map(Number);
        if (rounds.length === 0) early++;
        // What is on disk counts as acknowledged from here on: the next run goes on after it.
        acknowledged = await examine(Math.max(acknowledged, ...rounds));
      },
    });
    expect(acknowledged).toBeGreaterThan(20);
    expect(early).toBeLessThan(40);
  });

  it('keeps what it acknowledged when the disk takes no more, and nothing else', async () => {
    // A limit on the size of files stands for the full disk: the write fails half-way.
    const command = [
      '-c',
      'ulimit -f 1000; exec "$0" "$@"',
      process.execPath,
      script('store-writer.ts'),
      path,
    ];
    const writer = spawnSync('sh', command, { encoding: 'utf8', timeout: scaledMs(15_000) });
    expect(writer.stderr).toMatch(/RetryableError: .*samples\.db cannot be read or written/);
    const rounds = writer.stdout.split('\n').slice(1, -1).map(Number);
    expect(rounds.length).toBeGreaterThan(5);
    await examine(rounds.at(-1) ?? -1);
  });

  /** Returns the newest round on disk. */
  async function examine(acknowledged: number): Promise<number> {
    const store = openSqliteStore({ path });
    const oldest = Math.max(0, acknowledged + 1 - KEEP_ROUNDS);
    const fromMs = FIRST_MS + oldest * ROUND_MS;
    let newest = acknowledged;
    for (const metric of ROUND_METRICS) {
      const series = await store.query({ metric, fromMs, toMs: FIRST_MS + 1e6 * ROUND_MS });
      const rounds = wholeRounds(metric, series);
      // One more may be there: killed after it was on disk, before it was said.
      newest = Math.max(acknowledged, rounds.at(-1) ?? -1);
      expect(newest - acknowledged).toBeLessThanOrEqual(1);
      expect(rounds).toEqual(Array.from({ length: newest - oldest + 1 }, (_, i) => oldest + i));
    }
    // Every whole period since the first, though most of the samples are pruned by now: n-0 is the round's number.
    const range = { fromMs: FIRST_MS, toMs: FIRST_MS + (newest - 5) * ROUND_MS };
    const [rolled] = await store.rollUps({ metric: 'up', where: { node: ['n-0'] }, ...range });
    const periods = Math.floor((newest - 5) / 5) + 1;
    expect(rolled?.points ?? []).toEqual(
      Array.from({ length: Math.max(0, periods) }, (_, i) => {
        const last = i * 5 + 4;
        return { timeMs: FIRST_MS + i * PERIOD_MS, avg: last - 2, max: last, p95: last };
      }),
    );
    await store.close();
    const db = new DatabaseSync(join(path, 'samples.db'));
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    const orphans = `SELECT count(*) AS n FROM samples_node WHERE label_set NOT IN (SELECT id FROM label_set)`;
    expect(db.prepare(orphans).get()).toEqual({ n: 0 });
    db.close();
    return newest;
  }

  it('is read by another process while it is written', async () => {
    const last = 150;
    const store = openSqliteStore({ path });
    const reader = spawn(process.execPath, [script('store-reader.ts'), path, String(last)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void reader.kill('SIGKILL'));
    const ended = new Promise((resolve) => reader.on('close', resolve));
    let output = '';
    const reading = new Promise((resolve) => {
      reader.stdout.on('data', (chunk) => {
        output += String(chunk);
        resolve(undefined);
      });
    });
    await Promise.race([reading, ended]);
    for (let round = 0; round <= last; round++) await store.write(roundSamples(round));
    expect(await ended).toBe(0);
    const reads = Number(output.split('\n')[1]);
    expect(reads).toBeGreaterThan(ROUND_METRICS.length * 2);
    await store.close();
  });
});
