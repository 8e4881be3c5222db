import { expect, it } from 'vitest';
import { clear, createStageFixture, fire, MINUTE, route, START } from '../../test/stage-fixture.ts';
import { ConfigError } from '../errors.ts';

it('repeatInterval never: a lasting alert is sent once, and so is its end', async () => {
  const fixture = createStageFixture({ routes: [{ ...route, repeatIntervalMs: Infinity }] });
  await fire(fixture);
  await fixture.notify();
  expect(await fixture.state.nextDueMs()).toBeUndefined();
  // A second pass, as after a restart, leaves nothing due either.
  const [incident] = await fixture.state.listIncidents({ open: true, limit: 9 });
  if (!incident) throw new Error('no incident');
  await fixture.state.commitIncidents({
    incidents: [{ value: { ...incident, dueAtMs: START + 2 * MINUTE }, version: 3 }],
  });
  await fixture.notify();
  expect(await fixture.state.nextDueMs()).toBeUndefined();
  expect(JSON.stringify(await fixture.state.listIncidents({ limit: 9 }))).not.toContain('null');
  await fixture.goTo(10_000);
  await fixture.notify();
  expect(fixture.sentLines()).toHaveLength(1);
  await clear(fixture, 10_001);
  await fixture.notify();
  expect(fixture.sentLines().at(-1)).toMatch(/all-resolved/);
});

it('a route without channels sends to nobody on purpose, and is not counted as no route', async () => {
  const fixture = createStageFixture({ routes: [{ ...route, channels: [] }] });
  await fire(fixture);
  await fixture.notify();
  expect(fixture.sent).toEqual([]);
  expect(fixture.counted.get('transitions_unrouted_total')).toBeUndefined();
  expect(await fixture.state.dueOutbox(START + 10 * MINUTE, 9)).toEqual([]);
  const lost = createStageFixture({ routes: [{ ...route, match: { cluster: ['other'] } }] });
  await fire(lost);
  await lost.notify();
  expect(lost.counted.get('transitions_unrouted_total')).toBe(1);
});

it('an early end that fails does not take a new alert with it before groupInterval is over', async () => {
  const fixture = createStageFixture({ routes: [{ ...route, groupIntervalMs: 10 * MINUTE }] });
  await fire(fixture);
  await fixture.notify();
  fixture.answers.ops = async () => {
    throw new ConfigError('refused');
  };
  await clear(fixture, 6);
  await fixture.notify();
  for (const minute of [7, 8, 9]) fixture.put(minute, { n1: 95, n2: 50 });
  await fixture.goTo(9);
  await fixture.evaluate(9);
  delete fixture.answers.ops;
  for (const minute of [9, 10, 11, 11.9]) {
    await fixture.goTo(minute);
    await fixture.notify();
  }
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  await fixture.goTo(12);
  await fixture.notify();
  expect(fixture.sentLines().slice(1)).toEqual(['ops 3 new-alerts firing n1:firing+n1:resolved']);
});
