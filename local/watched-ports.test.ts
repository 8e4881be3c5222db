// A damaged page, and a full disk, that state meets while the process runs.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { ConfigError, ConflictError, RetryableError } from '../core/errors.ts';
import { holdsHeartbeat } from '../core/health.ts';
import type { Audit, StateStore } from '../core/ports.ts';
import { alertOf, incidentOf, T0, transitionOf } from '../test/contract/state-fixtures.ts';
import { silenceOf } from '../test/contract/state-silences.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createFaults } from './faults.ts';
import { createMeter } from './meter.ts';
import { watchAudit, watchState } from './watched-ports.ts';

function createTrial() {
  const meter = createMeter();
  const faults = createFaults();
  const met: string[] = [];
  const ports = {
    faults,
    meter,
    logger: createRecordingLogger(),
    onCorruption: (name: string) => void met.push(name),
  };
  return { ...ports, ports, met, reasons: () => faults.findings().reasons.map(({ code }) => code) };
}

describe('a damaged page of state', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bartizan-watched-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is a fault that stays, counts, and withholds the heartbeat', async () => {
    const sound = openSqliteState({ path: dir });
    for (let i = 0; i < 300; i++) {
      const alert = alertOf(`n${i}`);
      const transitions = [transitionOf(alert, 'firing', T0)];
      await sound.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: T0 });
    }
    await sound.close();
    copyFileSync(join(dir, 'state.db'), join(dir, 'copy'));
    const bytes = readFileSync(join(dir, 'copy'));
    // The schema stays, the pages after it are garbage.
    bytes.fill(0xa5, 4096 * 40);
    writeFileSync(join(dir, 'state.db'), bytes);

    const setup = createTrial();
    const state = watchState(openSqliteState({ path: dir }), setup.ports);
    const everything = [
      () => state.listAlerts(),
      () => state.dueOutbox(T0, 1_000),
      () => state.dueIncidents(T0, 10),
    ];
    const outcomes = await Promise.allSettled(everything.map((read) => read()));
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
    expect([setup.reasons(), setup.met]).toEqual([['data-damaged'], ['state']]);
    expect(setup.meter.total('damaged_reads_total')).toBeGreaterThan(0);
    expect(holdsHeartbeat(setup.faults.findings())?.code).toBe('data-damaged');
    expect(setup.logger.lines.filter(({ message }) => message.includes('--recover')).length).toBe(1);
    await state.counters.save('k', 1).catch(() => {});
    expect(setup.reasons()).toContain('data-damaged');
    await state.close().catch(() => {});
  });
});

it('a row with invalid JSON is damage, whoever reads it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-watched-'));
  const state = openSqliteState({ path: dir });
  const alert = alertOf('n');
  const incident = incidentOf('i', { dueAtMs: T0 });
  await state.commitAlert({
    alert,
    expectedVersion: 0,
    transitions: [transitionOf(alert, 'firing', T0)],
    dueAtMs: T0,
  });
  await state.commitIncidents({ incidents: [{ value: incident, version: 0 }] });
  await state.putSilence(silenceOf('s', T0 + 1_000));
  await state.counters.save('k', { a: 1 });
  const db = new DatabaseSync(join(dir, 'state.db'));
  for (const table of ['alert', 'transition', 'incident', 'silence', 'counters']) {
    db.exec(`UPDATE ${table} SET body = substr(body, 1, length(body) / 2)`);
  }
  db.close();
  const reads: ((state: StateStore) => Promise<unknown>)[] = [
    (one) => one.listAlerts(),
    (one) => one.listTransitions({ fromMs: 0, toMs: T0 * 2, limit: 9 }),
    (one) => one.dueOutbox(T0, 9),
    (one) => one.dueIncidents(T0, 9),
    (one) => one.openIncidents(),
    (one) => one.loadIncident('i'),
    (one) => one.listSilences({ endedAfterMs: 0 }),
    (one) => one.expireSilence('s', T0),
    (one) => one.counters.load('k'),
  ];
  for (const read of reads) {
    const setup = createTrial();
    const error = await read(watchState(state, setup.ports)).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(/state\.db is damaged\..* or put it aside/);
    expect([setup.met, setup.reasons()]).toEqual([['state'], ['data-damaged']]);
  }
  await state.close();
  rmSync(dir, { recursive: true });
});

describe('a full disk', () => {
  it('is a fault while any writes fail, and ends with one that succeeds', async () => {
    const setup = createTrial();
    let full = true;
    const inner = createMemoryState();
    const refuse = async (): Promise<never> => {
      throw new RetryableError('no space left for /data/state.db');
    };
    const state = watchState(
      {
        ...inner,
        commitIncidents: (commit) => (full ? refuse() : inner.commitIncidents(commit)),
        counters: {
          ...inner.counters,
          save: (key, value) => (full ? refuse() : inner.counters.save(key, value)),
        },
      },
      setup.ports,
    );
    await expect(state.commitIncidents({ incidents: [] })).rejects.toThrow('no space left');
    expect(setup.faults.findings().reasons).toMatchObject([
      { code: 'state-unwritable', detail: 'no space left for /data/state.db' },
    ]);
    expect(holdsHeartbeat(setup.faults.findings())?.code).toBe('state-unwritable');
    await state.listAlerts();
    expect(setup.reasons()).toEqual(['state-unwritable']);
    full = false;
    await state.commitIncidents({ incidents: [] });
    expect(setup.reasons()).toEqual([]);
    full = true;
    await expect(state.counters.save('k', 1)).rejects.toThrow();
    expect([setup.reasons(), setup.meter.total('state_write_failures_total')]).toEqual([
      ['state-unwritable'],
      2,
    ]);
  });

  it('a write that another writer prevented is recognised as a conflict', async () => {
    const setup = createTrial();
    const conflict = async () => {
      throw new ConflictError('version 3, not 2');
    };
    const state = watchState({ ...createMemoryState(), commitIncidents: conflict }, setup.ports);
    await expect(state.commitIncidents({ incidents: [] })).rejects.toThrow(ConflictError);
    expect(setup.reasons()).toEqual([]);
  });
});

it('an audit that cannot be written is a fault until it can, and fails no probe', async () => {
  const setup = createTrial();
  let full = true;
  const inner: Audit = {
    async append() {
      if (full) throw new RetryableError('the audit cannot be written');
    },
    head: () => ({ writer: 'w', sequence: 0, hash: '' }),
    close: async () => undefined,
  };
  const audit = watchAudit(inner, setup.ports);
  await audit.append([]);
  expect(setup.reasons()).toEqual(['audit-unwritable']);
  expect(audit.head().writer).toBe('w');
  full = false;
  await audit.append([]);
  expect(setup.reasons()).toEqual([]);
});
