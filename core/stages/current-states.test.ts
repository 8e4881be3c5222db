import { describe, expect, it } from 'vitest';
import { createWorld, fire, MINUTE, memory, route, START, type World } from '../../test/stage-world.ts';
import type { Rule } from '../model.ts';
import { VALUES_WITHIN_MS } from './current-states.ts';

const loud: Rule = { ...memory, inhibitedBy: [], summary: '{{node}} has used {{value}}' };

/** What the last message says of each node: its line, its value and that value's time in minutes. */
function told({ sent }: World) {
  const { notification } = sent.at(-1) ?? {};
  return notification?.alerts.map(({ summary, value, valueAtMs }) => [
    summary,
    value,
    valueAtMs === undefined ? undefined : (valueAtMs - START) / MINUTE,
  ]);
}

async function remind(world: World, minute: number): Promise<void> {
  await world.goTo(minute);
  await world.notify();
}

async function fired(rule: Rule = loud): Promise<World> {
  const world = createWorld({ rules: [rule], routes: [{ ...route, repeatIntervalMs: 60 * MINUTE }] });
  await fire(world);
  await world.notify();
  return world;
}

describe('a message says the values of its time', () => {
  it('in a reminder the newest, not those that it fired with', async () => {
    const world = await fired();
    expect(told(world)).toEqual([['n1 has used 95%', 95, undefined]]);
    for (let minute = 3; minute <= 62; minute++) world.put(minute, { n1: 99.9, n2: 50 });
    await remind(world, 62);
    expect(world.said().at(-1)).toBe('ops 2 repeat firing n1:firing');
    expect(told(world)).toEqual([['n1 has used 99.9%', 99.9, undefined]]);
    expect(world.sent.at(-1)?.notification.alerts[0]?.news).toBe(false);
  });

  it('with a new alert those of the others too, and of a resolved one the value that it ended with', async () => {
    const world = await fired();
    for (const minute of [3, 4, 5, 6, 7]) {
      world.put(minute, { n1: 97, n2: 96 });
      await world.goTo(minute);
      await world.judge(minute);
    }
    await world.notify();
    expect(told(world)).toEqual([
      ['n2 has used 96%', 96, undefined],
      ['n1 has used 97%', 97, undefined],
    ]);
    world.put(8, { n1: 40, n2: 98 });
    await world.goTo(8);
    await world.judge(8);
    world.put(12, { n1: 20, n2: 99 });
    await remind(world, 12);
    expect(world.said().at(-1)).toBe('ops 3 some-resolved firing n1:resolved+n2:firing');
    expect(told(world)).toEqual([
      ['Memory: ended at 40%, was > 90% for 8m', 40, undefined],
      ['n2 has used 99%', 99, undefined],
    ]);
  });

  it('with its time where the series has ended meanwhile', async () => {
    const world = await fired();
    for (let minute = 3; minute <= 40; minute++) world.put(minute, { n1: 98 });
    await remind(world, 62);
    expect(told(world)).toEqual([['n1 has used 98% at 17:20', 98, 40]]);
  });

  it('the last known with its time, after two seconds, where the store does not answer', async () => {
    const world = await fired();
    world.ports.store.latest = () => new Promise(() => undefined);
    await world.goTo(62);
    const notified = world.notify();
    await world.time.advanceTo(START + 62 * MINUTE + VALUES_WITHIN_MS);
    await notified;
    expect(told(world)).toEqual([['n1 has used 95% at 16:42', 95, 2]]);
    expect(world.counted.get('values_missing_total')).toBe(1);
  });

  it('the last known where the store fails, whose words hold no secret', async () => {
    const world = await fired();
    world.ports.store.latest = async () => {
      throw new Error('no hunter2 here');
    };
    await remind(world, 62);
    expect(told(world)).toEqual([['n1 has used 95% at 16:42', 95, 2]]);
    expect(JSON.stringify(world.logger.lines)).not.toContain('hunter2');
  });

  it('what windows come to', async () => {
    const world = await fired({ ...loud, window: { lastMs: 2 * MINUTE, reduce: 'avg' } });
    for (let minute = 3; minute <= 64; minute++) world.put(minute, { n1: minute % 2 ? 94 : 100 });
    await remind(world, 64);
    expect(world.said().at(-1)).toContain('repeat');
    expect(told(world)).toEqual([['n1 has used 97%', 97, undefined]]);
  });

  it('what groups come to, not what the few come to that a round under way has yet', async () => {
    const world = await fired({
      ...loud,
      summary: '{{cluster}} has used {{value}}',
      aggregate: { by: ['cluster'], op: 'sum' },
    });
    for (let minute = 3; minute <= 62; minute++) {
      world.put(minute, minute === 62 ? { n1: 96 } : { n1: 96, n2: 70 });
    }
    await remind(world, 62);
    expect(told(world)).toEqual([['prod has used 166%', 166, undefined]]);
  });

  it('by one question for all alerts of a rule', async () => {
    const world = await fired();
    for (const minute of [3, 4, 5, 6, 7]) {
      world.put(minute, { n1: 97, n2: 96 });
      await world.goTo(minute);
      await world.judge(minute);
    }
    const asked: unknown[] = [];
    const { latest } = world.ports.store;
    world.ports.store.latest = (query) => {
      asked.push(query.where);
      return latest(query);
    };
    await world.notify();
    expect(asked).toEqual([{ cluster: ['prod'], node: ['n1', 'n2'] }]);
  });
});
