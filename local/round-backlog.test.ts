import { describe, expect, it } from 'vitest';
import type { Sample } from '../core/model/sample.ts';
import { createRoundFixture, MINUTE } from '../test/round-fixture.ts';
import { EVALUATE_AFTER_MS } from './round.ts';

const never = new AbortController().signal;

/** Runs these rounds, and returns in which order their minutes were tried at the store, by round. */
async function rounds(fixture: ReturnType<typeof createRoundFixture>, from: number, to = from) {
  const tried: number[][] = [];
  for (let minute = from; minute <= to; minute++) {
    const before = fixture.tried.length;
    await fixture.time.advanceTo(minute * MINUTE);
    await fixture.run(minute * MINUTE, never);
    tried.push(fixture.tried.slice(before).map((ms) => ms / MINUTE));
  }
  return tried;
}

const minutesOf = (samples: readonly Sample[]) =>
  Map.groupBy(
    samples.filter(({ metric }) => metric === 'up'),
    ({ timeMs }) => timeMs / MINUTE,
  );

describe('batches that the store refused', () => {
  it('are tried again with each round, the oldest first, three at most while the store refuses all', async () => {
    const fixture = createRoundFixture(['a']);
    fixture.refuse(true);
    expect(await rounds(fixture, 1, 6)).toEqual([
      [1],
      [1, 2],
      [1, 2, 3],
      [1, 2, 3, 4],
      [1, 2, 3, 5],
      [1, 2, 3, 6],
    ]);
    expect(fixture.facts.at(-1)).toMatchObject({ refusedBatches: 6, written: 0 });
    expect(fixture.meter.total('rounds_total')).toBe(0);
    fixture.refuse(false);
    expect(await rounds(fixture, 7)).toEqual([[1, 2, 3, 4, 5, 6, 7]]);
    expect(fixture.facts.at(-1)).toMatchObject({ refusedBatches: 0 });
    expect(fixture.meter.total('rounds_total')).toBe(1);
    // None is written twice.
    expect([...minutesOf(fixture.samples).values()].map((ofMinute) => ofMinute.length)).toEqual(
      Array.from({ length: 7 }, () => 1),
    );
  });

  it('while others were taken wait behind those: one that is never taken holds up none', async () => {
    const fixture = createRoundFixture(['a']);
    const isPoison = ([first]: readonly Sample[]) => first?.timeMs === MINUTE;
    fixture.refuse(isPoison);
    expect(await rounds(fixture, 1, 2)).toEqual([[1], [1, 2]]);
    fixture.refuse(true);
    expect(await rounds(fixture, 3)).toEqual([[1, 3]]);
    fixture.refuse(isPoison);
    expect(await rounds(fixture, 4)).toEqual([[3, 1, 4]]);
  });

  it('keep their turn while the store refuses all: none is set back for that', async () => {
    const fixture = createRoundFixture(['a']);
    fixture.refuse(true);
    await rounds(fixture, 1, 5);
    // It takes the second alone.
    fixture.refuse(([first]) => first?.timeMs !== 2 * MINUTE);
    expect(await rounds(fixture, 6)).toEqual([[1, 2, 3, 4, 6]]);
    // Those refused meanwhile go behind the one that was not tried.
    expect(await rounds(fixture, 7)).toEqual([[5, 1, 3, 7]]);
  });

  it('are lost beyond 600: the oldest, and each is counted and logged', async () => {
    const fixture = createRoundFixture(Array.from({ length: 400 }, (_, i) => `b${i}`));
    fixture.refuse(true);
    await rounds(fixture, 1, 2);
    expect(fixture.facts.at(-1)).toMatchObject({ refusedBatches: 600, batches: 400 });
    expect(fixture.meter.total('batches_lost_total')).toBe(200);
    const lost = fixture.logger.lines.filter(({ message }) => message.startsWith('batch lost'));
    expect(lost).toHaveLength(200);
    expect(lost[0]?.fields).toEqual({ round: MINUTE });
    fixture.refuse(false);
    await rounds(fixture, 3);
    expect([...minutesOf(fixture.samples)].map(([minute, samples]) => [minute, samples.length])).toEqual([
      [1, 200],
      [2, 400],
      [3, 400],
    ]);
  });

  it('are counted as too late where the store takes them too late', async () => {
    const fixture = createRoundFixture(['a']);
    fixture.refuse(true);
    await rounds(fixture, 1);
    fixture.refuse(false);
    fixture.answers(([sample, ...others]) => ({
      written: others.length,
      duplicates: 0,
      rejected: sample?.timeMs === MINUTE ? [{ sample, cause: 'too-late', reason: 'old' }] : [],
    }));
    await rounds(fixture, 2);
    expect(fixture.facts.at(-1)).toMatchObject({ tooLate: 1, rejected: 0, written: 2 });
  });
});

it('the outcome of a round counts what the store took, had, and refused, over all batches', async () => {
  const fixture = createRoundFixture();
  fixture.answers(([first, second]) => ({
    written: 5,
    duplicates: 2,
    rejected: [
      ...(first ? [{ sample: first, cause: 'invalid' as const, reason: 'no number' }] : []),
      ...(second ? [{ sample: second, cause: 'too-late' as const, reason: 'old' }] : []),
      ...(second ? [{ sample: second, cause: 'too-late' as const, reason: 'old' }] : []),
    ],
  }));
  await fixture.run(MINUTE, never);
  expect(fixture.facts).toMatchObject([{ written: 14, rejected: 2, tooLate: 4, refusedBatches: 0 }]);
});

/** Without those of host keys. */
const metricsOf = (samples: readonly Sample[]) =>
  samples.map(({ metric }) => metric).filter((metric) => !metric.endsWith('host_key_mismatch'));

describe('nodes that answered in a batch that goes on', () => {
  /** The batch ends after 20 s; its node answered at once. */
  async function slowBatch(isUp: boolean, refusesFirst = false) {
    const fixture = createRoundFixture(['a']);
    fixture.heal(isUp);
    fixture.probes(async (batch, { onNode } = {}) => {
      const seen = fixture.down(batch);
      onNode?.(seen.observations);
      await fixture.time.sleep(20_000, never);
      return seen;
    });
    fixture.refuse(refusesFirst);
    const running = fixture.run(MINUTE, never);
    await fixture.time.advanceTo(MINUTE + EVALUATE_AFTER_MS);
    const early = metricsOf(fixture.samples);
    const { length } = fixture.samples;
    fixture.refuse(false);
    await fixture.time.advanceTo(MINUTE + 20_000);
    await running;
    return { fixture, early, late: metricsOf(fixture.samples.slice(length)) };
  }

  it('are stored and evaluated before its end, and not once more with it', async () => {
    const { fixture, early, late } = await slowBatch(true);
    expect(early).toEqual(['up', 'probe_duration']);
    expect(late).toEqual(['bastion_up']);
    expect(fixture.evaluatedAtMs).toEqual([MINUTE + EVALUATE_AFTER_MS, MINUTE + 20_000]);
    expect(fixture.facts.at(-1)).toMatchObject({ written: fixture.samples.length });
  });

  it('but not those that are down: only the whole batch shows whether they are unknown', async () => {
    const { early, late } = await slowBatch(false);
    expect(early).toEqual([]);
    expect(late).toEqual(['bastion_up', 'up']);
  });

  it('are stored with the batch where the store refused them before', async () => {
    const { fixture, early, late } = await slowBatch(true, true);
    expect(early).toEqual([]);
    expect(late).toEqual(['bastion_up', 'up', 'probe_duration']);
    expect(fixture.logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(fixture.facts.at(-1)).toMatchObject({
      written: fixture.samples.length,
      refusedBatches: 0,
    });
  });
});
