import { expect, it } from 'vitest';
import { clear, createWorld, fire, MINUTE, START } from '../../test/stage-world.ts';
import type { StoredSilence } from '../model.ts';

const silenceOf = (change: Partial<StoredSilence> = {}): StoredSilence => ({
  id: 's1',
  matchers: [{ name: 'node', op: '=', value: 'n1' }],
  fromMs: START,
  untilMs: START + 600 * MINUTE,
  createdAtMs: START + MINUTE,
  author: 'ann',
  comment: 'disk swap',
  ...change,
});

it('a silence that is added while an alert is pending covers its firing', async () => {
  const world = createWorld();
  await world.state.putSilence(silenceOf());
  await fire(world);
  await world.notify();
  expect(world.said()).toEqual([]);
});

it('a silence that is ended early lets its alerts out at once, not at its old end', async () => {
  const world = createWorld();
  await world.state.putSilence(silenceOf());
  await fire(world);
  await world.notify();
  expect(await world.state.nextDueMs()).toBe(START + 600 * MINUTE);
  await world.goTo(3);
  expect(await world.state.expireSilence('s1', START + 3 * MINUTE)).toBe(true);
  await world.notify();
  expect(world.said()).toEqual(['ops 1 silence-ended firing n1:firing']);
});

it('an acknowledged alert sends no reminders, but its end; the next breach is sent', async () => {
  const world = createWorld();
  await fire(world);
  await world.notify();
  const [alert] = await world.state.listAlerts();
  await world.state.putSilence(
    silenceOf({ id: 's2', createdAtMs: START + 2 * MINUTE, matchers: [], alertId: alert?.value.id ?? '' }),
  );
  await world.goTo(70);
  await world.notify();
  expect(world.said()).toHaveLength(1);
  await clear(world, 71);
  await world.notify();
  expect(world.said().at(-1)).toMatch(/all-resolved resolved n1:resolved/);
  for (const minute of [80, 81, 82]) world.put(minute, { n1: 95 });
  await world.goTo(82);
  await world.judge(82);
  await world.notify();
  expect(world.said().at(-1)).toMatch(/firing n1:firing/);
  expect(world.said()).toHaveLength(3);
});
