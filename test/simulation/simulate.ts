import './sqlite-in-memory.ts';
import './zlib-in-turn.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteState } from '../../adapters/state/sqlite/state.ts';
import type { StateStore } from '../../core/ports.ts';
import { operateCloud, stateOf } from './cloud-functions.ts';
import { createSimulationFixture, type SimulationFixture } from './fixture.ts';
import { checkHealth, watchHealth } from './health-watch.ts';
import { checkInvariants, type Violations } from './invariants.ts';
import { operateLocally } from './local-process.ts';
import { END, type KindOfState, planOf } from './plan.ts';
import { createQuickTable } from './quick-table.ts';
import { addSilences } from './runtime-silences.ts';
import { SpinningError } from './timeline.ts';
import { readTruth } from './truth.ts';

/** The indexes of DynamoDB sometimes lag behind. */
const INDEX_LAG_MS = 2_000;

export interface Outcome {
  seed: number;
  kind: KindOfState;
  /** The invariants that failed, and why. */
  violations: { what: string; about: string }[];
  counts: Record<string, number>;
}

/** Runs the schedule of a seed; `openLocally` opens another state than SQLite. The same seed gives the same result, with every line of its trace. */
export async function simulate(
  seed: number,
  onTrace?: (line: string) => void,
  openLocally: () => StateStore = openOnDisk,
): Promise<Outcome> {
  const plan = planOf(seed);
  const fixture = createSimulationFixture(plan, onTrace);
  const violations: Outcome['violations'] = [];
  const violated = (what: string, about: string) => void violations.push({ what, about });
  const state = await (plan.kind === 'sqlite'
    ? runLocally(fixture, violated, openLocally())
    : runCloud(fixture, violated));
  try {
    const truth = await readTruth(fixture, state);
    for (const { resolved } of truth.episodes)
      fixture.count(resolved ? 'episode: ended' : 'episode: firing at the end');
    // A schedule that was cut off proves nothing else.
    if (violations.length === 0) {
      checkInvariants(truth, violated);
      checkHealth(fixture.healthSamples, truth, violated);
    }
  } finally {
    await state.close();
  }
  fixture.count('schedules');
  for (const { what } of violations) fixture.count(`VIOLATED: ${what}`);
  return { seed, kind: plan.kind, violations, counts: Object.fromEntries(fixture.counts) };
}

async function runLocally(
  fixture: SimulationFixture,
  violated: Violations,
  disk: StateStore,
): Promise<StateStore> {
  await runAll(fixture, [operateLocally(fixture, disk), ...beside(fixture, disk)], violated);
  return disk;
}

function openOnDisk(): StateStore {
  const path = mkdtempSync(join(folder(), 'bartizan-simulation-'));
  const disk = openSqliteState({ path });
  return {
    ...disk,
    async close() {
      await disk.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

async function runCloud(fixture: SimulationFixture, violated: Violations): Promise<StateStore> {
  const table = createQuickTable(fixture.timeline.trueMs, () =>
    fixture.random.chance(0.2) ? INDEX_LAG_MS : 0,
  );
  await runAll(
    fixture,
    [operateCloud(fixture, table), ...beside(fixture, stateOf(fixture, table))],
    violated,
  );
  table.settle();
  return stateOf(fixture, table);
}

/** People and monitoring that use state beside the processes. */
const beside = (fixture: SimulationFixture, state: StateStore) => [
  watchHealth(fixture, state, fixture.healthSamples),
  addSilences(fixture, state),
];

/** An error of the simulation itself must not look like a schedule without faults. */
async function runAll(
  fixture: SimulationFixture,
  running: readonly Promise<void>[],
  violated: Violations,
): Promise<void> {
  let broken: unknown;
  Promise.all(running).catch((error: unknown) => {
    broken = error ?? new Error('unknown');
  });
  try {
    await fixture.timeline.runUntil(END);
  } catch (error) {
    if (!(error instanceof SpinningError)) throw error;
    violated('a process works without a pause', error.message);
  }
  if (broken !== undefined) throw broken;
}

/** A folder in memory where the system has one, because the simulation does not test the disk. */
function folder(): string {
  return process.platform === 'linux' ? '/dev/shm' : tmpdir();
}
