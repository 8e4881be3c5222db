import { describe, expect, it } from 'vitest';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createMeter } from './meter.ts';
import { runSchedule } from './scheduler.ts';

const MINUTE = 60_000;

function start(
  options: {
    startMs?: number;
    tickMs?: number;
    fromMs?: number;
    offsetMs?: number;
    roundTakesMs?: (roundMs: number) => number;
  } = {},
) {
  const time = createVirtualTime(options.startMs ?? 10_000);
  const stop = new AbortController();
  const meter = createMeter();
  const rounds: { roundMs: number; startedAtMs: number }[] = [];
  const never = new AbortController().signal;
  const done = runSchedule({
    tickMs: options.tickMs ?? MINUTE,
    ...(options.fromMs !== undefined && { fromMs: options.fromMs }),
    offsetMs: options.offsetMs ?? 0,
    runRound: async (roundMs) => {
      rounds.push({ roundMs, startedAtMs: time.clock.nowMs() });
      const takesMs = options.roundTakesMs?.(roundMs) ?? 0;
      if (takesMs > 0) await time.sleep(takesMs, never);
    },
    clock: time.clock,
    sleep: time.sleep,
    signal: stop.signal,
    logger: createRecordingLogger(),
    meter,
  });
  return { time, stop, meter, rounds, done, starts: () => rounds.map((r) => r.roundMs / MINUTE) };
}

describe('runSchedule', () => {
  it('starts a round at each multiple of the tick, delayed by the same jitter', async () => {
    const s = start({ offsetMs: 2_500 });
    await s.time.advanceTo(3 * MINUTE + 30_000);
    expect(s.rounds).toEqual(
      [1, 2, 3].map((n) => ({ roundMs: n * MINUTE, startedAtMs: n * MINUTE + 2_500 })),
    );
    s.stop.abort();
    await s.done;
  });

  it('resolves to the round that it would have started next, also while one runs', async () => {
    const s = start({ roundTakesMs: () => 0.5 * MINUTE });
    await s.time.advanceTo(MINUTE + 1);
    s.stop.abort();
    await s.time.advanceTo(2 * MINUTE);
    expect(await s.done).toBe(2 * MINUTE);
  });

  it.each([
    [
      'starts a round that became due meanwhile at once',
      { startMs: 2 * MINUTE + 9, fromMs: 2 * MINUTE },
      [2, 3],
    ],
    ['repeats none that was started', { startMs: 2 * MINUTE + 9, fromMs: 3 * MINUTE }, [3]],
    ['starts the latest of several', { startMs: 4 * MINUTE + 9, fromMs: 2 * MINUTE }, [4, 5]],
    [
      'waits for the first of a longer tick',
      { startMs: 3 * MINUTE + 9, fromMs: 3 * MINUTE, tickMs: 2 * MINUTE },
      [4],
    ],
    [
      'starts one of a shorter tick',
      { startMs: 1.6 * MINUTE, fromMs: 1.4 * MINUTE, tickMs: MINUTE / 2 },
      [1.5, 2, 2.5],
    ],
  ])('after another schedule, %s', async (_, options, starts) => {
    const s = start(options);
    await s.time.advanceTo(Math.ceil((options.startMs + 1) / MINUTE) * MINUTE + MINUTE / 2 + 1);
    expect(s.starts()).toEqual(starts);
    expect(s.meter.total('rounds_skipped_total')).toBe(0);
    s.stop.abort();
    await s.done;
  });

  it('skips and counts a round that is due while another runs', async () => {
    const s = start({ roundTakesMs: (roundMs) => (roundMs === MINUTE ? 2.5 * MINUTE : 0) });
    await s.time.advanceTo(5 * MINUTE + 1);
    expect(s.starts()).toEqual([1, 4, 5]);
    expect(s.meter.total('rounds_skipped_total')).toBe(2);
    s.stop.abort();
    await s.done;
  });

  it('skips and counts the rounds that it missed when the clock jumps ahead', async () => {
    const s = start();
    await s.time.advanceTo(MINUTE + 1);
    s.time.jumpTo(61 * MINUTE + 1);
    await s.time.advanceTo(64 * MINUTE + 1);
    expect(s.starts()[0]).toBe(1);
    expect(s.starts().slice(-3)).toEqual([62, 63, 64]);
    expect(s.meter.total('rounds_skipped_total')).toBeGreaterThanOrEqual(59);
    s.stop.abort();
    await s.done;
  });

  it('continues within a minute when the clock is set back an hour', async () => {
    const s = start({ startMs: 100 * MINUTE + 1 });
    await s.time.advanceTo(101 * MINUTE + 1);
    s.time.jumpTo(41 * MINUTE + 1);
    await s.time.advanceTo(43 * MINUTE + 1);
    expect(s.starts()).toEqual([101, 42, 43]);
    s.stop.abort();
    await s.done;
  });

  it('continues after a round that failed', async () => {
    const s = start({
      roundTakesMs: (roundMs) => {
        if (roundMs === MINUTE) throw new Error('broken');
        return 0;
      },
    });
    await s.time.advanceTo(2 * MINUTE + 1);
    expect(s.starts()).toEqual([1, 2]);
    s.stop.abort();
    await s.done;
  });

  it('ends after the current round', async () => {
    const s = start({ roundTakesMs: () => 5_000 });
    await s.time.advanceTo(MINUTE + 1);
    s.stop.abort();
    let ended = false;
    void s.done.then(() => {
      ended = true;
    });
    await s.time.advanceTo(MINUTE + 4_000);
    expect(ended).toBe(false);
    await s.time.advanceTo(MINUTE + 6_000);
    expect(ended).toBe(true);
  });
});
