// A process that changes state in PostgreSQL until it is killed: `postgres-state-writer.ts OPTIONS`. It prints each step after it is stored.
import type { PostgresOptions } from '../../adapters/postgres/options.ts';
import { openPostgresState } from '../../adapters/state/postgres/state.ts';
import { POSTGRES_SECRETS } from '../postgres-server.ts';
import { playForEver } from './state-story.ts';

process.stdout.write('started\n');
const options = JSON.parse(process.argv[2] ?? '{}') as PostgresOptions;
const state = await openPostgresState(options, { secrets: POSTGRES_SECRETS });
await playForEver(state, (what, id) => process.stdout.write(`${what} ${id}\n`));
