// A process that writes rounds until it is killed: `store-writer.ts FOLDER`. It prints the number of each round after
// it is written.
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { FIRST_MS, KEEP_ROUNDS, ROUND_MS, roundSamples } from './store-rounds.ts';

const path = process.argv[2] ?? '.';
process.stdout.write('started\n');
const store = openSqliteStore({ path, pruneChunkRows: 20 });
const [newest] = await store.latest({ metric: 'up', sinceMs: 0 });
let round = newest ? ((newest.points[0]?.timeMs ?? 0) - FIRST_MS) / ROUND_MS + 1 : 0;
for (; ; round++) {
  await store.write(roundSamples(round));
  process.stdout.write(`${round}\n`);
  if (round % 8 !== 7) continue;
  await store.rollUp(FIRST_MS + (round - 5) * ROUND_MS);
  await store.prune(FIRST_MS + (round - KEEP_ROUNDS) * ROUND_MS, 0);
}
