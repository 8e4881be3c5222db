// A process that reads rounds beside the one that writes, until it has read round LAST: `store-reader.ts FOLDER LAST`.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { FIRST_MS, ROUND_METRICS, ROUND_MS, wholeRounds } from './store-rounds.ts';

const path = process.argv[2] ?? '.';
const last = Number(process.argv[3]);
const store = openSqliteStore({ path, readOnly: true });
let reads = 0;
let newest = -1;
while (newest < last) {
  for (const metric of ROUND_METRICS) {
    const range = { metric, fromMs: FIRST_MS + (newest - 5) * ROUND_MS, toMs: FIRST_MS + last * ROUND_MS };
    const rounds = wholeRounds(metric, await store.query(range));
    if ((rounds.at(-1) ?? -1) < newest) throw new Error(`round ${newest} was there and is gone`);
    newest = Math.max(newest, rounds.at(-1) ?? -1);
    reads++;
  }
  if (reads === ROUND_METRICS.length) process.stdout.write('reading\n');
  await nextTurn();
}
await store.close();
process.stdout.write(`${reads}\n`);
