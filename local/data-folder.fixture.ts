import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuditFile } from '../adapters/audit/file.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { examineStory, playForEver } from '../test/contract/state-story.ts';

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
export const OPTIONS = { program: '1.2.3', nowMs: () => NOW, replace: false };
export const PICTURE = 'AAAAAAAAAAAAAAAAAAAAAA.png';

/** A data folder with so many steps of the story, and a file of each kind. */
export async function makeData(dir: string, steps: number): Promise<void> {
  const state = openSqliteState({ path: dir });
  let done = 0;
  const enough = new Error('enough steps');
  await playForEver(state, () => {
    if (++done >= steps) throw enough;
  }).catch((error) => {
    if (error !== enough) throw error;
  });
  await state.close();
  const store = openSqliteStore({ path: dir });
  const labels = { cluster: 'c', node: 'n', role: 'etcd' };
  await store.write([{ metric: 'up', labels, timeMs: NOW, value: steps }]);
  await store.close();
  mkdirSync(join(dir, 'charts'));
  mkdirSync(join(dir, 'cli', 'actions'), { recursive: true });
  writeFileSync(join(dir, 'known_hosts'), `host ${steps}\n`);
  writeFileSync(join(dir, 'charts', PICTURE), `picture ${steps}`);
  for (const folder of ['', 'cli', 'cli/actions']) {
    const audit = await createAuditFile({
      file: join(dir, folder, 'audit.jsonl'),
      writer: 'w',
      nowMs: () => NOW,
      gatherMs: 0,
    });
    await audit.close();
    if (!existsSync(join(dir, folder, 'audit.jsonl'))) writeFileSync(join(dir, folder, 'audit.jsonl'), '');
  }
}

/** What `makeData` wrote. */
export async function contentOf(
  dir: string,
): Promise<{ transitions: number; hosts: string; picture: string; value?: number }> {
  const state = openSqliteState({ path: dir });
  const { transition } = await examineStory(state);
  await state.close();
  const store = openSqliteStore({ path: dir });
  const [series] = await store.query({ metric: 'up', fromMs: 0, toMs: NOW + 1 });
  await store.close();
  const value = series?.points.at(-1)?.value;
  return {
    transitions: transition.size,
    hosts: readFileSync(join(dir, 'known_hosts'), 'utf8'),
    picture: readFileSync(join(dir, 'charts', PICTURE), 'utf8'),
    ...(value !== undefined && { value }),
  };
}
