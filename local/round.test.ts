import { describe, expect, it } from 'vitest';
import { createRoundFixture as createFixture, MINUTE } from '../test/round-fixture.ts';
import { EVALUATE_AFTER_MS } from './round.ts';

const signal = new AbortController().signal;

describe('a round', () => {
  it('probes, stores and evaluates once when all batches are done', async () => {
    const fixture = createFixture();
    const result = await fixture.run(MINUTE, signal);
    expect(result.transitions.map((t) => t.labels.node)).toEqual(['n-fast', 'n-slow']);
    expect(fixture.evaluatedAtMs).toEqual([MINUTE]);
  });

  it('evaluates the first observations while a batch takes long, and that batch when it is done', async () => {
    const fixture = createFixture();
    fixture.heal(true);
    await fixture.run(MINUTE, signal);
    fixture.heal(false);
    fixture.slow(20_000);
    await fixture.time.advanceTo(2 * MINUTE);
    const running = fixture.run(2 * MINUTE, signal);
    await fixture.time.advanceTo(2 * MINUTE + EVALUATE_AFTER_MS);
    expect(fixture.evaluatedAtMs.at(-1)).toBe(2 * MINUTE + EVALUATE_AFTER_MS);
    await fixture.time.advanceTo(2 * MINUTE + 20_000);
    const { transitions } = await running;
    expect(transitions.map((t) => [t.labels.node, t.atMs])).toEqual([
      ['n-fast', 2 * MINUTE],
      ['n-slow', 2 * MINUTE],
    ]);
  });

  it('reports a slow batch in the very first round as in later ones', async () => {
    const fixture = createFixture();
    fixture.slow(20_000);
    const running = fixture.run(MINUTE, signal);
    await fixture.time.advanceTo(MINUTE + 20_000);
    const { transitions } = await running;
    expect(transitions.map((t) => [t.labels.node, t.kind, t.atMs, t.reason])).toEqual([
      ['n-fast', 'firing', MINUTE, 'threshold'],
      ['n-slow', 'firing', MINUTE, 'threshold'],
    ]);
  });

  it('fails for a batch that cannot be probed, and evaluates the others', async () => {
    const fixture = createFixture();
    fixture.slow(-1);
    await expect(fixture.run(MINUTE, signal)).rejects.toThrow('a batch could not be probed: no key');
    expect(fixture.samples.map((sample) => sample.labels.node)).toContain('n-fast');
    expect(fixture.evaluatedAtMs).toEqual([MINUTE]);
  });

  it('fails for nodes that are missing in the outcome of their batch', async () => {
    const fixture = createFixture();
    await fixture.time.advanceTo(2 * MINUTE);
    fixture.leaveOut('slow');
    await expect(fixture.run(2 * MINUTE, signal)).rejects.toThrow('1 node of 1 bastion');
    expect(fixture.facts.at(-1)?.absent).toEqual([{ bastion: 'slow', nodes: 1 }]);
    expect(fixture.meter.total('rounds_total')).toBe(0);
    expect(fixture.meter.text()).toContain('bartizan_nodes_absent 1');
    fixture.leaveOut(undefined);
    await fixture.time.advanceTo(3 * MINUTE);
    await fixture.run(3 * MINUTE, signal);
    expect(fixture.meter.total('rounds_total')).toBe(1);
    expect(fixture.facts.at(-1)?.absent).toEqual([]);
  });

  it('keeps batches that the store refuses and writes them with the next round', async () => {
    const fixture = createFixture();
    fixture.refuse(true);
    await fixture.run(MINUTE, signal);
    expect(fixture.samples).toEqual([]);
    expect(fixture.meter.total('store_failures_total')).toBe(2);
    expect(fixture.meter.total('rounds_total')).toBe(0);
    fixture.refuse(false);
    await fixture.run(2 * MINUTE, signal);
    expect(new Set(fixture.samples.map((sample) => sample.timeMs))).toEqual(new Set([MINUTE, 2 * MINUTE]));
    expect(fixture.meter.total('batches_lost_total')).toBe(0);
  });

  it('stores and evaluates nothing after it was cut off', async () => {
    const fixture = createFixture();
    const cut = new AbortController();
    fixture.slow(20_000);
    const running = fixture.run(MINUTE, cut.signal);
    await fixture.time.advanceTo(MINUTE + 1_000);
    cut.abort();
    // Without any time passing: it does not wait for a batch that hangs.
    const { transitions, observations } = await running;
    expect(transitions).toEqual([]);
    expect(observations.map(({ batch }) => batch.bastion)).toEqual(['fast']);
    expect(fixture.evaluatedAtMs).toEqual([]);
    expect(fixture.facts).toEqual([]);
    expect(fixture.samples.filter((sample) => sample.labels.node === 'n-slow')).toEqual([]);
  });

  it('stores nothing of the batches that the abort itself ends', async () => {
    const fixture = createFixture();
    const cut = new AbortController();
    fixture.probes((batch, { signal: aborted } = {}) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      aborted?.addEventListener('abort', () => resolve());
      return promise.then(() => fixture.down(batch));
    });
    const running = fixture.run(MINUTE, cut.signal);
    await fixture.time.advanceTo(MINUTE + 1_000);
    cut.abort();
    expect((await running).observations).toEqual([]);
    expect(fixture.samples).toEqual([]);
    // Nothing waits for the next round either.
    expect(fixture.meter.total('store_failures_total')).toBe(0);
  });

  it('stores nothing if it is cut off before its batches are probed', async () => {
    const fixture = createFixture();
    const cut = new AbortController();
    const running = fixture.run(MINUTE, cut.signal);
    cut.abort();
    expect((await running).transitions).toEqual([]);
    expect(fixture.samples).toEqual([]);
  });

  it('does not hold on to the signal of its process', async () => {
    const fixture = createFixture();
    const { signal: process } = new AbortController();
    const listeners = new Set<unknown>();
    process.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
    process.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
    const running = fixture.run(MINUTE, process);
    await running;
    expect(listeners).toEqual(new Set());
  });

  it('evaluates at growing pauses what came since, and nothing twice', async () => {
    const fixture = createFixture(['a', 'b', 'c']);
    const endS: Record<string, number> = { a: 0, b: 5, c: 50 };
    fixture.probes(async (batch) => {
      await fixture.time.sleep((endS[batch.bastion] ?? 0) * 1_000, signal);
      return fixture.down(batch);
    });
    const running = fixture.run(MINUTE, signal);
    await fixture.time.advanceTo(2 * MINUTE);
    await running;
    expect(fixture.evaluatedAtMs.map((atMs) => atMs / 1_000 - 60)).toEqual([3, 9, 50]);
  });

  it('measures itself, and writes the head of the audit', async () => {
    const fixture = createFixture();
    fixture.slow(20_000);
    const running = fixture.run(MINUTE, signal);
    await fixture.time.advanceTo(MINUTE + 20_000);
    expect(await running).toMatchObject({ roundMs: MINUTE, targets: 2, observations: [{}, {}] });
    const text = fixture.meter.text().split('\n');
    expect(text).toEqual(
      expect.arrayContaining([
        'bartizan_rounds_total 1',
        'bartizan_nodes_absent 0',
        'bartizan_targets 2',
        'bartizan_round_duration_seconds 20',
        'bartizan_round_elapsed_seconds_sum 20',
        'bartizan_round_scheduled_timestamp_seconds 60',
      ]),
    );
    expect(await fixture.state.listAuditHeads()).toEqual([
      { writer: 'w', sequence: 7, hash: 'h', atMs: MINUTE },
    ]);
  });

  it('counts a batch that cannot be probed by its bastion', async () => {
    const fixture = createFixture();
    fixture.slow(-1);
    await expect(fixture.run(MINUTE, signal)).rejects.toThrow('no key');
    expect(fixture.meter.text()).toContain('bartizan_batches_failed_total{bastion="slow"} 1');
    expect(fixture.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: { bastion: 'slow', error: 'no key' } }),
    );
    expect(fixture.facts.at(-1)).toMatchObject({ batches: 2, isEvaluated: true, failedRules: [] });
  });

  it('that meets a rule which fails says so, and lets the others be sent', async () => {
    const fixture = createFixture();
    fixture.failQueries();
    await expect(fixture.run(MINUTE, signal)).rejects.toThrow();
    expect(fixture.facts.at(-1)).toMatchObject({ failedRules: ['down'], isEvaluated: false });
    expect(fixture.evaluatedAtMs).toEqual([MINUTE]);
  });

  it.each([
    ['both nodes are up', true, []],
    ['the late node is down', false, [['firing', MINUTE]]],
  ])('never sums up half of its nodes, and sums up all of them in the end: %s', async (_, isUp, expected) => {
    const fixture = createFixture(['fast', 'slow'], {
      aggregate: { by: ['cluster'], op: 'sum' },
      condition: { kind: 'below', threshold: 2 },
    });
    fixture.probes(async (batch) => {
      if (batch.bastion === 'slow') await fixture.time.sleep(20_000, signal);
      fixture.heal(batch.bastion === 'fast' || isUp);
      return fixture.down(batch);
    });
    const running = fixture.run(MINUTE, signal);
    await fixture.time.advanceTo(MINUTE + 20_000);
    const { transitions } = await running;
    expect(transitions.map(({ kind, atMs }) => [kind, atMs])).toEqual(expected);
  });
});
