import { expect, it } from 'vitest';
import { clear, createWorld, fire, MINUTE, route, START } from '../../test/stage-world.ts';

it('repeatInterval never: what still fires is said once, and its end is', async () => {
  const world = createWorld({ routes: [{ ...route, repeatIntervalMs: Infinity }] });
  await fire(world);
  await world.notify();
  expect(await world.state.nextDueMs()).toBeUndefined();
  // A second look, as after a restart, leaves nothing due either.
  const [incident] = await world.state.listIncidents({ open: true, limit: 9 });
  if (!incident) throw new Error('no incident');
  await world.state.commitIncidents({
    incidents: [{ value: { ...incident, dueAtMs: START + 2 * MINUTE }, version: 3 }],
  });
  await world.notify();
  expect(await world.state.nextDueMs()).toBeUndefined();
  expect(JSON.stringify(await world.state.listIncidents({ limit: 9 }))).not.toContain('null');
  await world.goTo(10_000);
  await world.notify();
  expect(world.said()).toHaveLength(1);
  await clear(world, 10_001);
  await world.notify();
  expect(world.said().at(-1)).toMatch(/all-resolved/);
});

it('a route without channels sends to nobody on purpose, and is not counted as no route', async () => {
  const world = createWorld({ routes: [{ ...route, channels: [] }] });
  await fire(world);
  await world.notify();
  expect(world.sent).toEqual([]);
  expect(world.counted.get('transitions_unrouted_total')).toBeUndefined();
  expect(await world.state.dueOutbox(START + 10 * MINUTE, 9)).toEqual([]);
  const lost = createWorld({ routes: [{ ...route, match: { cluster: ['other'] } }] });
  await fire(lost);
  await lost.notify();
  expect(lost.counted.get('transitions_unrouted_total')).toBe(1);
});
