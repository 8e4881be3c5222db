import { expect, it } from 'vitest';
import { createWorld, fire, MINUTE, START } from '../../test/stage-world.ts';
import { RetryableError } from '../errors.ts';
import { readUndelivered } from './undelivered.ts';

it('an alert is undelivered from when it could be sent until a channel has accepted it', async () => {
  const world = createWorld();
  const read = () => readUndelivered(world.config, { state: world.state, clock: world.time.clock });
  expect((await read()).undelivered).toEqual([]);
  await fire(world);
  expect((await read()).undelivered).toMatchObject([{ rule: 'memory', channels: [] }]);
  world.answers.ops = async () => {
    throw new RetryableError('no answer');
  };
  await world.notify();
  expect((await read()).undelivered).toMatchObject([
    { rule: 'memory', owedSinceMs: START + 2 * MINUTE, channels: [{ channel: 'ops', error: 'no answer' }] },
  ]);
  delete world.answers.ops;
  await world.goTo(8);
  await world.notify();
  expect((await read()).undelivered).toEqual([]);
});

it('one that a silence of the file or of state covers is none', async () => {
  const world = createWorld();
  await fire(world);
  const silence = { match: {}, fromMs: 0, untilMs: START + 60 * MINUTE, comment: '' };
  const config = { ...world.config, silences: [silence] };
  const { undelivered } = await readUndelivered(config, { state: world.state, clock: world.time.clock });
  expect(undelivered).toEqual([]);
});

it('a list of incidents that lags makes none', async () => {
  const world = createWorld();
  await fire(world);
  await world.notify();
  const state = { ...world.state, openIncidents: async () => [] };
  expect((await readUndelivered(world.config, { state, clock: world.time.clock })).undelivered).toEqual([]);
});
