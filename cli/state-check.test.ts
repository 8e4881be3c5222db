import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import type { Config } from '../core/model/config.ts';
import { alertOf, holding, incidentOf, putIncidents } from '../test/contract/state-fixtures.ts';
import { asUnprivilegedUser } from '../test/unprivileged-user.ts';
import { checkState } from './state-check.ts';

describe('the check of state by `check`', () => {
  let path: string;
  const config = (...channels: string[]) =>
    ({
      store: { path, type: 'sqlite' },
      bastions: [],
      clusters: [],
      channels: channels.map((name) => ({ name })),
      rules: [],
      routes: [{ name: 'default', match: {}, channels, continue: false }],
    }) as unknown as Config;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'bartizan-check-state-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('reports nothing without state, and nothing while channels and routes exist', async () => {
    expect(await checkState('b.yaml', config('ops'))).toEqual([]);
    const state = openSqliteState({ path });
    await putIncidents(state, incidentOf('i1', { alerts: holding(alertOf('n')) }));
    expect(await checkState('b.yaml', config('chat'))).toEqual([]);
    await state.close();
  });

  it('warns of open incidents of a removed channel, beside a running `up`', async () => {
    const state = openSqliteState({ path });
    await putIncidents(
      state,
      incidentOf('i1', { alerts: holding(alertOf('n')) }),
      incidentOf('i2', { alerts: holding(alertOf('m')), closedAtMs: 1 }),
    );
    expect(await checkState('b.yaml', config('ops'))).toMatchObject([
      {
        severity: 'warning',
        file: 'b.yaml',
        message: expect.stringMatching(/^1 firing alert of channel `chat`/),
      },
    ]);
    await state.close();
  });

  it('warns when the state cannot be read', async () => {
    writeFileSync(join(path, 'state.db'), 'this is no database at all, only text that lies in its place');
    expect(await checkState('b.yaml', config('ops'))).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('which incidents are open is unknown') },
    ]);
  });

  it('warns when this user may not read the folder', async () => {
    const [problem] = await asUnprivilegedUser(path, 0o000, () => checkState('b.yaml', config('ops')));
    expect(problem?.message).toContain(`which incidents are open is unknown: store.path: ${path} is closed`);
  });
});
