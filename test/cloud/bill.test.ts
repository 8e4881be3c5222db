import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batchMs, NODE } from './batch-time.ts';
import { LAYOUTS, networkBill } from './bill.ts';
import type { Counts } from './counts.ts';
import { tiered } from './prices.ts';
import { wireBytes } from './relay.ts';
import { deployed } from './template.ts';

describe('the time of a batch', () => {
  const BATCH = { nodes: 300, concurrency: 32, rttMs: 20, memoryMb: 768 };

  it('depends on the waiting when nodes are far, and on the CPU of all nodes when they are near', () => {
    const turns = Math.ceil(300 / 32);
    const far = batchMs({ ...BATCH, rttMs: 1_000 });
    expect(far).toBeGreaterThan((turns - 1) * NODE.roundTrips * 1_000);
    expect(far).toBeLessThan((turns + 1) * (NODE.roundTrips * 1_000 + NODE.ownMs));
    const near = batchMs({ ...BATCH, rttMs: 0, concurrency: 300, memoryMb: 256 });
    expect(near).toBeGreaterThan((300 * NODE.cpuMs * 1_769) / 256);
    expect(near).toBeLessThan((300 * NODE.cpuMs * 1_769) / 256 + 500);
  });

  it('grows with the distance, and shrinks when more nodes are probed at once', () => {
    const times = [20, 50, 100].map((rttMs) => batchMs({ ...BATCH, rttMs }));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(batchMs({ ...BATCH, concurrency: 64 })).toBeLessThan(batchMs(BATCH));
  });

  it('of one node is the time of that node', () => {
    const { roundTrips, ownMs, cpuMs } = NODE;
    const alone = batchMs({ nodes: 1, concurrency: 32, rttMs: 20, memoryMb: 1_769 });
    expect(alone).toBeCloseTo((roundTrips + 1) * 20 + ownMs + cpuMs + 75, 0);
  });
});

it('each tier has its own price, one after the other', () => {
  const tiers = [
    { upTo: 10, price: 2 },
    { upTo: Number.POSITIVE_INFINITY, price: 1 },
  ];
  expect([5, 10, 15].map((amount) => tiered(amount, tiers))).toEqual([10, 20, 25]);
});

it('the bytes on the wire include headers of sent segments and acknowledgements of received ones', () => {
  expect(wireBytes({ bytes: 1_000, segments: 1 }, { bytes: 0, segments: 0 })).toBe(1_052);
  expect(wireBytes({ bytes: 0, segments: 0 }, { bytes: 9_000, segments: 8 })).toBe(4 * 52);
});

it('the egress is billed for the traffic through it, and traffic to the internet only beyond AWS', () => {
  const counts = { runs: new Map([['probe', { count: 100, ms: 0 }]]), seenBytes: 2e7 } as unknown as Counts;
  const size = { nodes: 30_000, bastions: 10, shards: 16, watch: 'usage' } as const;
  const [beyond, machine, none, peered] = LAYOUTS.map((layout) => networkBill(size, counts, layout));
  expect(beyond?.way).toBeGreaterThan((peered?.way ?? 0) * 5);
  expect(machine?.way).toBeLessThan(20);
  expect(none).toMatchObject({ way: 0, zones: 0, out: beyond?.out });
  expect(peered).toMatchObject({ out: 0 });
});

it('docs/scale-and-cost.md has the number of alarms of the template, and all layouts', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/scale-and-cost.md'), 'utf8');
  for (const { name } of LAYOUTS) expect(page).toContain(`| ${name}, 20 ms |`);
  const [, , alarms = ''] = /\| metrics, alarms \| (\d+), (\d+) \|/.exec(page) ?? [];
  // A few more alarms cost cents, and writing the tables anew takes a while.
  expect(Math.abs(deployed({ bastions: 1 }).alarms - Number(alarms))).toBeLessThanOrEqual(10);
});
