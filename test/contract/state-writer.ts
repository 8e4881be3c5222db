// A process that changes state until it is killed: `state-writer.ts FOLDER`. It prints each step after it is stored.
import { openSqliteState } from '../../adapters/state/sqlite/state.ts';
import { playForEver } from './state-story.ts';

process.stdout.write('started\n');
const state = openSqliteState({ path: process.argv[2] ?? '.' });
await playForEver(state, (what, id) => process.stdout.write(`${what} ${id}\n`));
