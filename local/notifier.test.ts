import { expect, it } from 'vitest';
import type { Config } from '../core/config/types.ts';
import { createWorld, fire, route } from '../test/stage-world.ts';
import { startNotifier } from './notifier.ts';

it('sends over one channel while another hangs, and lets the stop cut the one that hangs', async () => {
  const channels = ['slow', 'ops'].map((name) => ({
    name,
    type: 'webhook',
    theme: 'dark' as const,
    options: {},
  }));
  const routes = [
    { ...route, name: 'first', channels: ['slow'], continue: true },
    { ...route, name: 'second', channels: ['ops'], groupWaitMs: 10_000 },
  ];
  const world = createWorld({ channels, routes });
  let cut: () => void = () => undefined;
  world.answers.slow = () =>
    new Promise((_, reject) => {
      cut = () => reject(new Error('cut off'));
    });
  await fire(world);
  const notifier = startNotifier(world.config as Config, world.ports);
  await world.goTo(2.3);
  expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  const stopped = notifier.stop(1_000);
  await world.time.advanceTo(world.time.clock.nowMs());
  cut();
  await stopped;
});
