// What a node comes to in the embedded store in a day: two hours of a fleet are written, and the files' growth in the second counts.

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targetsOf } from '../../adapters/inventory/file.ts';
import { KINDS } from '../../adapters/registry.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { samplesOf } from '../../core/parse/samples.ts';
import { planRound } from '../../core/plan/plan.ts';
import { configOf } from '../config-cases.ts';
import { type Watch, watchedText } from './fleet.ts';
import { observeWatched } from './watched-fleet.ts';

const NODES = 300;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = 480_000 * HOUR;

/** Bytes of a node and day, without roll-ups. */
export async function storedBytes(watch: Watch): Promise<number> {
  const { checks, clusters, bastions } = configOf(watchedText({ bastions: 1, nodes: NODES, watch }), {
    kinds: KINDS,
  });
  const targets = targetsOf(clusters);
  const observe = observeWatched(checks);
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-stored-'));
  const size = () => readdirSync(dir).reduce((sum, file) => sum + statSync(join(dir, file)).size, 0);
  async function writeHour(fromMs: number): Promise<void> {
    const store = openSqliteStore({ path: dir });
    for (let roundMs = fromMs; roundMs < fromMs + HOUR; roundMs += MINUTE) {
      for (const batch of planRound({ roundMs, checks, targets, bastions }))
        await store.write(samplesOf(observe(batch)));
    }
    await store.close();
  }
  try {
    await writeHour(START);
    const before = size();
    await writeHour(START + HOUR);
    return ((size() - before) * 24) / NODES;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
