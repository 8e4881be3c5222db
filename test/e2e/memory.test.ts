// Two thousand rounds of the whole process, with alerts and pictures: its memory must not grow.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createOwnThread } from '../../adapters/charts/own-thread.ts';
import { createChartRenderer } from '../../adapters/charts/renderer.ts';
import type { Config } from '../../core/model/config.ts';
import type { Rule } from '../../core/model/rule.ts';
import { createDraw } from '../../core/stages/draw.ts';
import { MINUTE, type ProcessFixture, START, startProcess } from '../process-fixture.ts';

const NODES = 50;
const ROUNDS = 2_000;
/** After this many rounds all code has run once. */
const WARM = 400;
/** The heap may grow this much in a round; a leak of a hundred bytes a node would exceed it. */
const BYTES_A_ROUND = 400;

const rule: Rule = {
  name: 'memory',
  title: 'Memory',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 3 * MINUTE,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'critical',
  inhibitedBy: [],
};

it('the heap after two thousand rounds is not larger than after four hundred', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  const kept = async () => {
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return process.memoryUsage().heapUsed;
  };
  const renderer = createChartRenderer();
  let pictures = 0;
  // Every forty minutes another node breaches for ten minutes, and every hour one node cannot be reached for four.
  const course: ProcessFixture = startProcess({
    nodes: NODES,
    rules: [rule],
    values: (node, roundMs) => {
      const minute = (roundMs - START) / MINUTE;
      const turn = Math.floor(minute / 40) % NODES;
      if (node === 'n7' && minute % 60 < 4) return undefined;
      return node === `n${turn + 1}` && minute % 40 < 10 ? 95 : 40 + (minute % 7);
    },
    draw: async (notification, incident) => {
      pictures++;
      const draw = createDraw({
        drawer: createOwnThread(course.store, renderer),
        charts: { put: async () => undefined },
        config: course.config as Config,
      });
      return draw(notification, incident);
    },
  });
  const heap: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 50) {
      await course.time.advanceTo(START + (round + 49) * MINUTE + 1);
      // In real time `up` does this every hour.
      await course.store.rollUp(course.time.clock.nowMs() - 15 * MINUTE);
      await course.store.prune(course.time.clock.nowMs() - 120 * MINUTE, 0);
      course.sent.length = 0;
      course.logger.lines.length = 0;
      if (round + 50 >= WARM) heap.push(await kept());
    }
    expect(course.rounds()).toBe(ROUNDS);
    expect(course.meter.total('deliveries_total')).toBe(2 * (ROUNDS / 40));
    expect(pictures).toBe(2 * (ROUNDS / 40));
    const [first = 0, last = 0] = [heap[0], heap.at(-1)];
    expect((last - first) / (ROUNDS - WARM)).toBeLessThan(BYTES_A_ROUND);
  } finally {
    await course.stop();
  }
});
