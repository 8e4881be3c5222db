import { isCorruption } from '../adapters/sqlite/errors.ts';
import { ConflictError, describeError } from '../core/errors.ts';
import type { Audit, Logger, Meter, SampleStore, StateStore } from '../core/ports.ts';
import type { Fault, Faults } from './faults.ts';

export interface WatchPorts {
  faults: Faults;
  meter: Meter;
  logger: Logger;
  /** A damaged page or row was met: from now on no read or write is reliable. */
  onCorruption: (database: 'state' | 'samples') => void;
}

const WRITES: ReadonlySet<string> = new Set([
  'saveCheckpoint',
  'deleteCheckpoint',
  'commitAlert',
  'commitIncidents',
  'putTargetStatus',
  'putAuditHead',
  'putSilence',
  'putLateSamples',
  'expireSilence',
  'save',
]);

/** The same state; damage and refused writes become faults. */
export function watchState(state: StateStore, ports: WatchPorts): StateStore {
  const { faults, meter } = ports;
  const damage = createCorruptionWatch('state', ports);
  const seen = (method: string, error: unknown) => {
    if (damage(error)) return;
    if (!WRITES.has(method)) return;
    if (error === undefined || error instanceof ConflictError) return faults.clear('state-unwritable');
    meter.count('state_write_failures_total');
    faults.raise({
      kind: 'reason',
      code: 'state-unwritable',
      words: 'state cannot be written: alerts are neither stored nor sent',
      detail: describeError(error),
    });
  };
  return { ...watchCalls(state, seen), counters: watchCalls(state.counters, seen) };
}

/** The same store; corruption becomes a fault. The round itself handles refusals. */
export function watchStore(store: SampleStore, ports: WatchPorts): SampleStore {
  const damage = createCorruptionWatch('samples', ports);
  return watchCalls(store, (_, error) => void damage(error));
}

/**
 * The same audit. A failed write becomes a fault and fails nothing: its lines wait in memory for the next write, and monitoring
 * goes on.
 */
export function watchAudit(audit: Audit, { faults, meter }: WatchPorts): Audit {
  const watched = watchCalls(audit, (method, error) => {
    if (method !== 'append') return;
    if (error === undefined) return faults.clear('audit-unwritable');
    meter.count('audit_write_failures_total');
    faults.raise(unwritableAudit(error));
  });
  return { ...watched, append: (entries) => watched.append(entries).catch(() => {}) };
}

export function unwritableAudit(error: unknown): Fault {
  const words = 'the audit cannot be written: its lines wait in memory';
  return { kind: 'reason', code: 'audit-unwritable', words, detail: describeError(error) };
}

/** After it is met, damage stays a fault until the process restarts. */
function createCorruptionWatch(
  database: 'state' | 'samples',
  { faults, meter, logger, onCorruption }: WatchPorts,
) {
  let met = false;
  return (error: unknown): boolean => {
    if (!isCorruption(error)) return false;
    meter.count('damaged_reads_total', { database });
    if (met) return true;
    met = true;
    faults.raise({
      kind: 'reason',
      code: 'data-damaged',
      words: `the database of ${database} is damaged; stop, then \`bartizan up --recover\` puts it aside and starts with an empty one`,
      detail: describeError(error),
    });
    logger.error(
      'a database is damaged; `bartizan up --recover` puts it aside and starts with an empty one',
      {
        database,
        error: describeError(error),
      },
    );
    onCorruption(database);
    return true;
  };
}

/** The same functions; `seen` is called with the outcome of each call. */
function watchCalls<T extends object>(port: T, seen: (method: string, error: unknown) => void): T {
  const watched = Object.entries(port).map(([name, member]) => {
    if (typeof member !== 'function') return [name, member];
    const call = (...args: unknown[]): unknown => {
      try {
        const result: unknown = member(...args);
        if (!(result instanceof Promise)) return result;
        return result.then(
          (value: unknown) => {
            seen(name, undefined);
            return value;
          },
          (error: unknown) => {
            seen(name, error);
            throw error;
          },
        );
      } catch (error) {
        seen(name, error);
        throw error;
      }
    };
    return [name, call];
  });
  return Object.fromEntries(watched) as T;
}
