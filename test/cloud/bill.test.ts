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

  it('is the waiting of its turns where nodes are far, and the work of all where they are near', () => {
    const turns = Math.ceil(300 / 32);
    const far = batchMs({ ...BATCH, rttMs: 1_000 });
    expect(far).toBeGreaterThan((turns - 1) * NODE.roundTrips * 1_000);
    expect(far).toBeLessThan((turns + 1) * (NODE.roundTrips * 1_000 + NODE.ownMs));
    const near = batchMs({ ...BATCH, rttMs: 0, concurrency: 300, memoryMb: 256 });
    expect(near).toBeGreaterThan((300 * NODE.cpuMs * 1_769) / 256);
    expect(near).toBeLessThan((300 * NODE.cpuMs * 1_769) / 256 + 500);
  });

  it('grows with the distance, and shrinks with the nodes at once', () => {
    const times = [20, 50, 100].map((rttMs) => batchMs({ ...BATCH, rttMs }));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(batchMs({ ...BATCH, concurrency: 64 })).toBeLessThan(batchMs(BATCH));
  });

  it('of one node is what that node takes', () => {
    const { roundTrips, ownMs, cpuMs } = NODE;
    const alone = batchMs({ nodes: 1, concurrency: 32, rttMs: 20, memoryMb: 1_769 });
    expect(alone).toBeCloseTo((roundTrips + 1) * 20 + ownMs + cpuMs + 75, 0);
  });
});

it('tiers are paid one after the other', () => {
  const tiers = [
    { upTo: 10, price: 2 },
    { upTo: Number.POSITIVE_INFINITY, price: 1 },
  ];
  expect([5, 10, 15].map((amount) => tiered(amount, tiers))).toEqual([10, 20, 25]);
});

it('on the wire stand the headers of what is sent and the acknowledgements of what is received', () => {
  expect(wireBytes({ bytes: 1_000, segments: 1 }, { bytes: 0, segments: 0 })).toBe(1_052);
  expect(wireBytes({ bytes: 0, segments: 0 }, { bytes: 9_000, segments: 8 })).toBe(4 * 52);
});

it('what leads out is paid for what passes it, and what leaves AWS only where it does', () => {
  const counts = { runs: new Map([['probe', { count: 100, ms: 0 }]]), seenBytes: 2e7 } as unknown as Counts;
  const size = { nodes: 30_000, bastions: 10, shards: 16 };
  const [beyond, machine, none, peered] = LAYOUTS.map((layout) => networkBill(size, counts, layout));
  expect(beyond?.way).toBeGreaterThan((peered?.way ?? 0) * 5);
  expect(machine?.way).toBeLessThan(20);
  expect(none).toMatchObject({ way: 0, zones: 0, out: beyond?.out });
  expect(peered).toMatchObject({ out: 0 });
});

it('the page has the alarms of the template, and its layouts', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/scale-and-cost.md'), 'utf8');
  for (const { name } of LAYOUTS) expect(page).toContain(`| ${name}, 20 ms |`);
  const [, , alarms = ''] = /\| metrics, alarms \| (\d+), (\d+) \|/.exec(page) ?? [];
  // A few more are cents; the tables take a while to count anew.
  expect(Math.abs(deployed({ bastions: 1 }).alarms - Number(alarms))).toBeLessThanOrEqual(10);
});
