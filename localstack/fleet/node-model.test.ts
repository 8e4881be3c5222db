import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { climbingMemory, type NodeModel, nodeFiles, steadyMemory } from './node-model.ts';

/** Every counter of the node, by name and column. */
function counters(model: NodeModel, ms: number): number[] {
  const files = nodeFiles(model, ms);
  return ['proc/stat', 'proc/net/dev', 'proc/diskstats', 'proc/uptime'].flatMap((path) =>
    [...(files[path] ?? '').matchAll(/(?<=\s|^)\d+(\.\d+)?/gm)].map(([text]) => Number(text)),
  );
}

const seeds = fc.integer({ min: 0, max: 1_000 });
const times = fc.integer({ min: 0, max: 3_600_000 });
const steady = (seed: number): NodeModel => ({ name: 'n', seed, memory: steadyMemory(50, seed) });

describe('the files of a node', () => {
  it('have counters that only grow', () => {
    fc.assert(
      fc.property(seeds, times, fc.integer({ min: 500, max: 60_000 }), (seed, ms, laterMs) => {
        const before = counters(steady(seed), ms);
        const after = counters(steady(seed), ms + laterMs);
        expect(after).toHaveLength(before.length);
        expect(before.length).toBeGreaterThan(60);
        for (const [i, value] of before.entries()) expect(after[i]).toBeGreaterThanOrEqual(value);
      }),
    );
  });

  it('are equal for equal times, and have another boot id for another node', () => {
    expect(nodeFiles(steady(3), 12_345)).toEqual(nodeFiles(steady(3), 12_345));
    const boot = (seed: number) => nodeFiles(steady(seed), 0)['proc/sys/kernel/random/boot_id'];
    expect(boot(3)).not.toBe(boot(4));
  });

  it('use no more than their totals', () => {
    fc.assert(
      fc.property(seeds, times, (seed, ms) => {
        const files = nodeFiles(steady(seed), ms);
        const numbers = (path: string) => (files[path]?.match(/\d+/g) ?? []).map(Number);
        const [total, free, available] = numbers('proc/meminfo') as [number, number, number];
        expect(free).toBeLessThanOrEqual(available);
        expect(available).toBeLessThan(total);
        expect(files['df-k']).not.toMatch(/-\d/);
        expect(files['proc/stat']).not.toContain('-');
      }),
    );
  });
});

describe('the memory of a node', () => {
  it('climbs, stays and recovers in the story', () => {
    const memory = climbingMemory({ climbMs: 8_000, topMs: 20_000, fallMs: 46_000, endMs: 50_000 }, 2);
    for (let ms = 0; ms < 8_000; ms += 500) expect(memory(ms)).toBeLessThan(70);
    for (let ms = 20_000; ms < 46_000; ms += 500) expect(memory(ms)).toBeGreaterThan(92);
    for (let ms = 50_000; ms < 90_000; ms += 500) expect(memory(ms)).toBeLessThan(70);
  });

  it('stays near its level otherwise', () => {
    for (let ms = 0; ms < 60_000; ms += 500) expect(Math.abs(steadyMemory(50, 3)(ms) - 50)).toBeLessThan(2);
  });
});
