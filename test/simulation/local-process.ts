import { describeError } from '../../core/errors.ts';
import { tickIntervalMs } from '../../core/plan/plan.ts';
import { WHOLE } from '../../core/plan/shards.ts';
import type { StateStore } from '../../core/ports.ts';
import { evaluateShard } from '../../core/stages/evaluate.ts';
import type { Sleep } from '../../local/clock.ts';
import { startNotifier } from '../../local/notifier.ts';
import { createRoundRunner } from '../../local/round.ts';
import { runSchedule } from '../../local/scheduler.ts';
import { NEVER_ABORTED, proberOf, type SimulationFixture, targetsOf } from './fixture.ts';
import { createLife, guarded, type Life, NEVER } from './guard.ts';
import { CALM_FROM, downFor, END } from './plan.ts';
import { MINUTE, SECOND } from './timeline.ts';

interface LocalProcess {
  stop(): Promise<void>;
}

/** Between two sweeps of the notifier only the time changes, so sweeps that find nothing due are skipped. */
const SWEEP_MS = 5 * SECOND;
const LONGEST_SWEEP_MS = 10 * MINUTE;

/** Joins the parts as `up` does (local/up.ts), over state on a disk that survives the process. */
async function startProcess(fixture: SimulationFixture, disk: StateStore, life: Life): Promise<LocalProcess> {
  const { timeline, clock, logger, meter, secrets, random, plan } = fixture;
  const config = fixture.config();
  const state = guarded(fixture.noting(disk), life, fixture.fateOf('state'));
  const store = guarded(fixture.store, life, fixture.fateOf('samples'));
  const sleep: Sleep = async (ms, signal) => {
    if (!life.alive()) return NEVER;
    await timeline.sleep(ms, signal);
    return life.alive() ? undefined : NEVER;
  };
  const channels = await fixture.channelsFor(config, life);
  const ports = { store, state, clock, logger, meter, secrets, channels, draw: async () => undefined };
  const notifier = startNotifier(config, {
    ...ports,
    sleep: async (ms, signal) => {
      if (ms !== SWEEP_MS) return sleep(ms, signal);
      const dueInMs = ((await disk.nextDueMs()) ?? Infinity) - clock.nowMs();
      return sleep(Math.min(LONGEST_SWEEP_MS, Math.max(SWEEP_MS, dueInMs)), signal);
    },
  });
  fixture.onSilence.add(notifier.wake);
  const stopping = new AbortController();
  const cut = new AbortController();
  const runRound = createRoundRunner(config, {
    ...ports,
    sleep,
    prober: proberOf(fixture),
    inventory: { list: async () => targetsOf(config) },
    audit: {
      append: async () => undefined,
      head: () => ({ writer: 'local', sequence: 1, hash: '' }),
      close: async () => undefined,
    },
    onEvaluated: notifier.wake,
  });
  const schedule = runSchedule({
    tickMs: tickIntervalMs(config.checks),
    offsetMs: config.schedule.jitterMs,
    signal: stopping.signal,
    clock,
    sleep,
    logger,
    meter,
    runRound: async (roundMs) => {
      try {
        await runRound(roundMs, cut.signal);
      } catch (error) {
        fixture.count('round failed');
        fixture.trace(`round failed: ${describeError(error)}`);
      }
    },
  });
  for (const { atMs, roundsAgo } of plan.repeats) {
    if (atMs < timeline.trueMs()) continue;
    void sleep(atMs - timeline.trueMs(), stopping.signal).then(async () => {
      if (stopping.signal.aborted) return;
      const { everyMs } = plan.fleet;
      const roundMs = (Math.floor(clock.nowMs() / everyMs) - roundsAgo) * everyMs;
      fixture.count('round evaluated again');
      await evaluateShard({ config, targets: targetsOf(config), roundMs, shard: WHOLE }, ports).catch(
        () => undefined,
      );
      notifier.wake();
    });
  }
  fixture.trace(`up starts (${random.int(100, 999)})`);
  return {
    async stop() {
      stopping.abort();
      const timer = sleep(3 * SECOND, NEVER_ABORTED).then(() => cut.abort());
      await schedule;
      void timer;
      fixture.onSilence.delete(notifier.wake);
      await notifier.stop(4 * SECOND);
      life.die('stopped');
    },
  };
}

/** Starts `up`, restarts it after each death, and edits its file, until the end of the schedule. */
export async function operateLocally(fixture: SimulationFixture, disk: StateStore): Promise<void> {
  const { timeline, plan, random } = fixture;
  const pause = (ms: number) => timeline.sleep(ms, NEVER_ABORTED);
  const edits = [...plan.edits];
  let crash = plan.crashes.filter(({ write }) => !write).map(({ atMs, downMs }) => ({ atMs, downMs }));
  while (timeline.trueMs() < END) {
    const life = createLife();
    let process: LocalProcess | undefined;
    try {
      process = await Promise.race([startProcess(fixture, disk, life), life.died.then(() => undefined)]);
    } catch (error) {
      fixture.trace(`up does not start: ${describeError(error)}`);
      await pause(10 * SECOND);
      continue;
    }
    crash = crash.filter(({ atMs }) => atMs > timeline.trueMs());
    const next = Math.min(edits[0]?.atMs ?? END, crash[0]?.atMs ?? END);
    const why = await Promise.race([
      life.died,
      pause(Math.max(0, next - timeline.trueMs())).then(() => undefined),
    ]);
    if (why !== undefined) {
      fixture.crashes.push(timeline.trueMs());
      const downMs = timeline.trueMs() < CALM_FROM ? downFor(random) : SECOND;
      fixture.trace(`up dies ${why}; back in ${downMs / 1000} s`);
      await pause(downMs);
      continue;
    }
    if (timeline.trueMs() >= END) return;
    if (crash[0] && crash[0].atMs <= timeline.trueMs()) {
      fixture.crashes.push(timeline.trueMs());
      fixture.count('crash: at any time');
      life.die('killed');
      fixture.trace(`up is killed; back in ${crash[0].downMs / 1000} s`);
      await pause(crash[0].downMs);
      continue;
    }
    const edit = edits.shift();
    if (!edit) continue;
    if (edit.how === 'kill') life.die('killed for an edit');
    // A process may also die while it stops.
    else await Promise.race([process?.stop(), life.died]);
    life.die('edit');
    fixture.edit(edit);
    await pause(edit.downMs);
  }
}
