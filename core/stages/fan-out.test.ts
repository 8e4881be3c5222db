import { expect, it } from 'vitest';
import { createWorld, fire, route, type World } from '../../test/stage-world.ts';
import { fanOut } from './fan-out.ts';

it('counts what no route takes', async () => {
  const world = createWorld({ routes: [{ ...route, match: { severity: ['critical'] } }] });
  await fire(world);
  await world.notify();
  expect(world.sent).toEqual([]);
  expect(world.counted.get('transitions_unrouted_total')).toBe(1);
  expect(await world.state.dueOutbox(world.time.clock.nowMs(), 9)).toEqual([]);
});

it.each([
  ['no route takes', (world: World) => (world.config.routes = [])],
  ['a rule that is gone has left', (world: World) => (world.config.rules = [])],
])('counts what %s once, also where state fails meanwhile', async (_, edit) => {
  const world = createWorld();
  await fire(world);
  edit(world);
  let fails = 3;
  const { commitIncidents } = world.state;
  world.ports.state = {
    ...world.state,
    commitIncidents: async (commit) => {
      if (fails-- > 0) throw new Error('no answer');
      await commitIncidents(commit);
    },
  };
  for (let i = 0; i < 3; i++) await expect(fanOut(world.config, world.ports)).rejects.toThrow('no answer');
  await fanOut(world.config, world.ports);
  expect(world.counted.get('transitions_unrouted_total')).toBe(1);
});
