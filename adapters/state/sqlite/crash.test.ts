import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killRepeatedly } from '../../../test/contract/kill-loop.ts';
import { examineStory } from '../../../test/contract/state-story.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { openSqliteState } from './state.ts';

describe('sqlite state under fire', () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'bartizan-crash-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('has every step it acknowledged, and no half of one, after each of 50 kills', async () => {
    let steps = 0;
    await killRepeatedly({
      script: join(import.meta.dirname, '../../../test/contract/state-writer.ts'),
      args: [path],
      times: 50,
      maxLifeMs: scaledMs(80),
      async onKilled(lines) {
        const state = openSqliteState({ path });
        const stored = await examineStory(state);
        for (const line of lines.slice(1)) {
          const [what, id] = line.split(' ') as [keyof typeof stored, string];
          expect(stored[what], line).toContain(id);
          steps++;
        }
        await state.close();
        const db = new DatabaseSync(join(path, 'state.db'));
        expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
        expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
        db.close();
      },
    });
    expect(steps).toBeGreaterThan(20);
  });
});
