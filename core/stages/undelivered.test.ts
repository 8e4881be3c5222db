import { expect, it } from 'vitest';
import { createStageFixture, fire, MINUTE, START } from '../../test/stage-fixture.ts';
import { RetryableError } from '../errors.ts';
import { readUndelivered } from './undelivered.ts';

it('an alert is undelivered from when it could be sent until a channel has accepted it', async () => {
  const fixture = createStageFixture();
  const read = () => readUndelivered(fixture.config, { state: fixture.state, clock: fixture.time.clock });
  expect((await read()).undelivered).toEqual([]);
  await fire(fixture);
  expect((await read()).undelivered).toMatchObject([{ rule: 'memory', channels: [] }]);
  fixture.answers.ops = async () => {
    throw new RetryableError('no answer');
  };
  await fixture.notify();
  expect((await read()).undelivered).toMatchObject([
    { rule: 'memory', dueSinceMs: START + 2 * MINUTE, channels: [{ channel: 'ops', error: 'no answer' }] },
  ]);
  delete fixture.answers.ops;
  await fixture.goTo(8);
  await fixture.notify();
  expect((await read()).undelivered).toEqual([]);
});

it('one that a silence of the file or of state covers is none', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  const silence = { match: {}, fromMs: 0, untilMs: START + 60 * MINUTE, comment: '' };
  const config = { ...fixture.config, silences: [silence] };
  const { undelivered } = await readUndelivered(config, { state: fixture.state, clock: fixture.time.clock });
  expect(undelivered).toEqual([]);
});

it('a list of incidents that lags makes none', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  await fixture.notify();
  const state = { ...fixture.state, openIncidents: async () => [] };
  expect((await readUndelivered(fixture.config, { state, clock: fixture.time.clock })).undelivered).toEqual(
    [],
  );
});
