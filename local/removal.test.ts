import { beforeEach, expect, it } from 'vitest';
import type { Target } from '../core/model/target.ts';
import type { Counters } from '../core/ports.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createRemovalGuard } from './removal.ts';

let kept: Map<string, unknown>;
let nowMs: number;
let isFull: boolean;
const logger = createRecordingLogger();
const counters: Counters = {
  load: async (key) => structuredClone(kept.get(key)),
  async save(key, value) {
    if (isFull) throw new Error('the disk is full');
    kept.set(key, structuredClone(value));
  },
};
const create = () => createRemovalGuard({ counters, clock: { nowMs: () => nowMs }, logger });
const targets = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ cluster: 'c', node: `n${i}` }) as Target);
const proposal = (count: number, isAllowed = false) => ({
  targets: targets(count),
  config: {},
  isAllowed,
  advice: 'Say so',
});

beforeEach(() => {
  kept = new Map();
  nowMs = 0;
  isFull = false;
});

it('remembers the fleet over a restart', async () => {
  await create().accept(proposal(20));
  const after = create();
  expect(await after.refusal(proposal(10))).toMatch(
    /^10 of 20 nodes would go .* Say so, or raise `removal.mostPercent`$/,
  );
  await after.accept(proposal(10));
  expect(await create().refusal(proposal(10))).toBeDefined();
  await after.accept(proposal(10, true));
  expect(await create().refusal(proposal(10))).toBeUndefined();
});

it('follows the rounds, whose sources have checked what goes', async () => {
  const guard = create();
  await guard.accept(proposal(20));
  await guard.remember(proposal(19));
  nowMs = 2 * 3_600_000;
  await guard.remember(proposal(18));
  nowMs = 4 * 3_600_000;
  expect(await create().refusal(proposal(17))).toBeUndefined();
  expect(kept.get('fleet/accepted')).toMatchObject({ nodes: { length: 18 } });
});

it('checks the first round, where the nodes could not be read at the start', async () => {
  await create().accept(proposal(20));
  const guard = create();
  for (let round = 0; round < 2; round++)
    await expect(guard.remember(proposal(10))).rejects.toThrow(
      /^10 of 20 nodes .* `up --allow-removal` once/,
    );
  expect(kept.get('fleet/accepted')).toMatchObject({ nodes: { length: 20 } });
  await create().remember(proposal(10, true));
  expect(kept.get('fleet/accepted')).toMatchObject({ nodes: { length: 10 } });
});

it('goes on if it cannot be stored', async () => {
  isFull = true;
  const guard = create();
  await guard.accept(proposal(20));
  expect(await guard.refusal(proposal(10))).toBeDefined();
  expect(logger.lines.at(-1)?.message).toContain('could not be stored');
});
