import { createTableState } from '../../adapters/state/dynamodb/state.ts';
import type { Table } from '../../adapters/state/dynamodb/table.ts';
import { describeError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import { nextRoundMs } from '../../core/plan/plan.ts';
import { shardsOf } from '../../core/plan/shards.ts';
import type { StateStore } from '../../core/ports.ts';
import { deliverIncident } from '../../core/stages/deliver.ts';
import { evaluateShard } from '../../core/stages/evaluate.ts';
import { groupTransitions } from '../../core/stages/group.ts';
import { plan as planRound } from '../../core/stages/plan.ts';
import { reconcileIncidents } from '../../core/stages/reconcile.ts';
import { store as storeObservation } from '../../core/stages/store.ts';
import { NEVER_ABORTED, proberOf, type SimulationFixture, targetsOf } from './fixture.ts';
import { createLife, guarded, type Life } from './guard.ts';
import { CALM_FROM, END } from './plan.ts';
import { HOUR, MINUTE, SECOND } from './timeline.ts';

const DUE_PAGE = 1_000;
/** A failed message comes again after the first time; after a killed call it comes when its visibility ends. */
const AFTER_FAILURE_MS = 10 * SECOND;
const AFTER_DEATH_MS = MINUTE;
/** Two notifiers read the same table, each at its own pace; between their ticks new items wake them. */
const NOTIFIERS_TICK_MS = [4 * MINUTE, 7 * MINUTE];

type Ports = Awaited<ReturnType<typeof portsOf>>;

/**
 * The stages as functions between queues: each call can die on its own, messages come late, twice and in any order, and
 * two notifiers use one table.
 */
export async function operateCloud(fixture: SimulationFixture, table: Table): Promise<void> {
  const { timeline, random, plan } = fixture;
  const pause = (ms: number) => timeline.sleep(Math.max(0, ms), NEVER_ABORTED);
  const running = new Set<Life>();

  /** Makes one call, and returns its end. */
  async function call(
    name: string,
    work: (ports: Ports) => Promise<void>,
  ): Promise<'done' | 'failed' | 'died'> {
    const life = createLife();
    running.add(life);
    const done = portsOf(fixture, table, life)
      .then(work)
      .then(() => 'done' as const)
      .catch((error: unknown) => {
        fixture.trace(`${name} failed: ${describeError(error)}`);
        fixture.count(`call failed: ${name}`);
        return 'failed' as const;
      });
    const outcome = await Promise.race([done, life.died.then((why) => ({ why }))]);
    running.delete(life);
    if (typeof outcome === 'string') return outcome;
    fixture.crashes.push(timeline.trueMs());
    fixture.trace(`${name} dies ${outcome.why}`);
    return 'died';
  }

  /** A message: the queue hands it out until a call finishes it, sometimes twice. */
  async function message(name: string, work: (ports: Ports) => Promise<void>): Promise<void> {
    const handOut = async () => {
      while (timeline.trueMs() < END) {
        const outcome = await call(name, work);
        if (outcome === 'done') return;
        await pause(outcome === 'died' ? AFTER_DEATH_MS : AFTER_FAILURE_MS);
      }
    };
    const faulty = timeline.trueMs() < CALM_FROM;
    if (!faulty || !random.chance(0.08)) return handOut();
    fixture.count(`message twice: ${name}`);
    await Promise.all([handOut(), pause(random.pick([0, 0, SECOND, MINUTE, 6 * MINUTE])).then(handOut)]);
  }

  const latency = () => {
    const late = timeline.trueMs() < CALM_FROM && random.chance(0.04);
    if (late) fixture.count('message late');
    return late ? random.int(MINUTE, 12 * MINUTE) : random.int(100, 3 * SECOND);
  };

  const awake = NOTIFIERS_TICK_MS.map(() => Promise.withResolvers<void>());
  /** Usually one of them runs, sometimes both at once. */
  const wake = () => {
    const only = random.chance(0.25) ? undefined : random.int(0, awake.length - 1);
    for (const [i, one] of awake.entries()) {
      if (only !== undefined && only !== i) continue;
      one.resolve();
      awake[i] = Promise.withResolvers<void>();
    }
  };
  fixture.onSilence.add(wake);

  async function storeBatch(batch: Batch): Promise<void> {
    await pause(latency());
    const observation = await proberOf(fixture).probe(batch);
    await message('store', async ({ store, state, clock, logger, meter, config }) => {
      const settings = { config, shards: shardsOf(plan.shards) };
      await storeObservation(observation, { store, state, clock, logger, meter }, settings);
    });
  }

  async function evaluate(roundMs: number, delayMs: number): Promise<void> {
    const shards = shardsOf(plan.shards);
    await Promise.all(
      shards.map(async (shard) => {
        await pause(delayMs + latency() + (shard.kind === 'crossCluster' ? 15 * SECOND : 0));
        await message('evaluate', async ({ config, ...ports }) => {
          await evaluateShard({ config, targets: targetsOf(config), roundMs, shard }, ports);
        });
        wake();
      }),
    );
  }

  async function rounds(): Promise<void> {
    const { everyMs } = plan.fleet;
    while (timeline.trueMs() < END) {
      const roundMs = nextRoundMs(fixture.clock.nowMs(), everyMs);
      await pause(roundMs - fixture.clock.nowMs());
      const config = fixture.config();
      const { batches } = await planRound(
        { roundMs, config },
        { inventory: { list: async () => targetsOf(config) }, clock: fixture.clock },
      );
      for (const batch of batches) void storeBatch(batch);
      void evaluate(roundMs, 30 * SECOND);
      for (const repeat of plan.repeats) {
        const { atMs, roundsAgo } = repeat;
        if (atMs < timeline.trueMs() || atMs >= timeline.trueMs() + everyMs) continue;
        fixture.count('round evaluated again');
        void evaluate(roundMs - roundsAgo * everyMs, atMs - timeline.trueMs());
      }
    }
  }

  async function notifier(tickMs: number, i: number): Promise<void> {
    while (timeline.trueMs() < END) {
      const woken = awake[i]?.promise;
      let nextMs: number | undefined;
      await call('notify', async ({ config, ...ports }) => {
        await groupTransitions(config, ports);
        await reconcileIncidents(config, ports, { alone: false });
        const due = await ports.state.dueIncidents(ports.clock.nowMs(), DUE_PAGE);
        for (const { value } of due) void deliver(value.id);
        nextMs = await ports.state.nextDueMs();
      });
      const soonMs = (nextMs ?? Infinity) - fixture.clock.nowMs();
      const waitMs = soonMs > 0 ? Math.min(tickMs, soonMs) : random.int(SECOND, 20 * SECOND);
      await Promise.race([pause(waitMs), woken]);
      await pause(random.int(50, 1_500));
    }
  }

  async function deliver(id: string): Promise<void> {
    await pause(latency());
    await message('deliver', ({ config, ...ports }) => deliverIncident(id, config, ports, NEVER_ABORTED));
    wake();
  }

  async function killings(): Promise<void> {
    for (const { atMs, write } of plan.crashes) {
      if (write) continue;
      await pause(atMs - timeline.trueMs());
      fixture.count('crash: at any time');
      for (const life of running) life.die('killed');
    }
  }

  async function uploads(): Promise<void> {
    for (const edit of plan.edits) {
      await pause(edit.atMs - timeline.trueMs());
      fixture.edit(edit);
      wake();
    }
  }

  await Promise.all([rounds(), ...NOTIFIERS_TICK_MS.map(notifier), killings(), uploads()]);
}

export function stateOf(fixture: SimulationFixture, table: Table): StateStore {
  const { clock, timeline, random } = fixture;
  // After a conflict a stage waits in virtual time; otherwise hours would pass meanwhile in real time.
  const sleep = (ms: number) => timeline.sleep(ms, NEVER_ABORTED);
  return createTableState(table, { clock, historyMs: 30 * 24 * HOUR, sleep, random: random.next });
}

async function portsOf(fixture: SimulationFixture, table: Table, life: Life) {
  const { clock, logger, meter, secrets, timeline, random } = fixture;
  const config = fixture.config();
  const pauseOften = () =>
    timeline.trueMs() < CALM_FROM && random.chance(0.01)
      ? timeline.sleep(random.pick([5, 50, 500, 3 * SECOND]), NEVER_ABORTED)
      : undefined;
  const { get, query, lookUp, write, close } = table;
  const mine = guarded({ get, query, lookUp, write, close }, life, fixture.fateOf('state'), pauseOften);
  return {
    config,
    state: fixture.noting(stateOf(fixture, mine)),
    store: guarded(fixture.store, life, fixture.fateOf('samples')),
    channels: await fixture.channelsFor(config, life),
    draw: async () => undefined,
    sleep: timeline.sleep,
    clock,
    logger,
    meter,
    secrets,
  };
}
