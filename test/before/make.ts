/**
 * Writes `data/`, which the tests beside it open with today's code: data of a commit before, and what that commit's own code
 * makes of it in the rounds after. So it runs on a checkout of that commit:
 *
 *     git worktree add ../before ecc93a4 && (cd ../before && npm ci)
 *     node test/before/make.ts ../before
 *
 * Names in here are those of that commit, which is why nothing of it is typed. Time is virtual and nothing is random, so that a
 * second run writes the same, but for bytes of SQLite's.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeCloud } from './make-cloud.ts';
import { makeConfigurations } from './make-configurations.ts';
import { makeLocal } from './make-local.ts';
import { DATA } from './make-ports.ts';

rmSync(DATA, { recursive: true, force: true });
mkdirSync(DATA);
await makeLocal();
await makeCloud();
await makeConfigurations();
for (const name of readdirSync(DATA)) process.stdout.write(`${name} ${statSync(join(DATA, name)).size}\n`);
