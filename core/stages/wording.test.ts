import { describe, expect, it } from 'vitest';
import { clear, createWorld, fire, MINUTE, memory, route, type World } from '../../test/stage-world.ts';
import { headline, historyText } from '../message/text.ts';
import type { Rule } from '../model.ts';

const loud: Rule = { ...memory, inhibitedBy: [], summary: '{{node}} has used {{value}} for {{held}}' };

/** Of the newest message the headline, and of each alert what it says. START is 16:40 UTC. */
function newest({ sent }: World): string[] {
  const notification = sent.at(-1)?.notification;
  if (!notification) return [];
  const lines = notification.alerts.map((alert) => `${alert.summary} | ${historyText(alert, notification)}`);
  return [headline(notification), ...lines];
}

const hourly = { ...route, repeatIntervalMs: 30 * MINUTE };

async function pass(world: World, minute: number): Promise<void> {
  await world.goTo(minute);
  await world.judge(minute);
  await world.notify();
}

it('an alert for missing data says that they were missing, to its end and after it', async () => {
  const world = createWorld({ rules: [{ ...loud, noData: 'alerting' }], routes: [hourly] });
  for (let minute = 0; minute <= 2; minute++) world.put(minute, { n1: 21, n2: 50 });
  await pass(world, 2);
  for (let minute = 3; minute <= 12; minute++) {
    world.put(minute, { n2: 50 });
    world.put(minute, { n1: 1 }, 'up');
    await pass(world, minute);
  }
  expect(newest(world)).toEqual([
    'FIRING warning · Memory: prod / n1',
    'Memory: no data since 16:43 | since 16:43:00, fired 16:45:00 as data were missing',
  ]);
  world.put(13, { n1: 21, n2: 50 });
  await pass(world, 13);
  expect(newest(world)).toEqual([
    'RESOLVED warning · Memory: prod / n1',
    'Memory: had no data, ended at 21% after 10m | since 16:43:00, fired 16:45:00 as data were missing, resolved 16:53:00 after 10m',
  ]);
  expect(world.sent.at(-1)?.notification.alerts[0]).toMatchObject({
    reason: 'threshold',
    firedReason: 'no-data',
  });
});

describe('a reminder', () => {
  it('of an alert that recovers says that it does, and how long it had breached', async () => {
    const world = createWorld({ rules: [{ ...loud, keepFiringForMs: 60 * MINUTE }], routes: [hourly] });
    await fire(world);
    await world.notify();
    for (let minute = 3; minute <= 32; minute++) {
      world.put(minute, { n1: minute < 20 ? 95 : 60, n2: 50 });
      await pass(world, minute);
    }
    expect(newest(world)).toEqual([
      'STILL FIRING warning · Memory: prod / n1',
      'Memory: 60%, was > 90% for 20m, recovering since 17:00 | since 16:40:00, fired 16:42:00, recovering since 17:00:00',
    ]);
  });

  it('of one that breaches again says so, before evaluation has seen it, also beside one that recovers', async () => {
    const world = createWorld({ rules: [{ ...loud, keepFiringForMs: 90 * MINUTE }], routes: [hourly] });
    for (let minute = 0; minute <= 32; minute++) {
      const value = minute < 20 ? 95 : 60;
      world.put(minute, { n1: value, n2: value });
      await pass(world, minute);
    }
    world.put(62, { n1: 99, n2: 60 });
    await world.goTo(62);
    await world.notify();
    expect(newest(world).slice(1)).toEqual([
      'n1 has used 99% for 1h2m | since 16:40:00, fired 16:42:00',
      'Memory: 60%, was > 90% for 20m, recovering since 17:00 | since 16:40:00, fired 16:42:00, recovering since 17:00:00',
    ]);
  });

  it('of a node that is dead says until when that is known, also when the store has forgotten', async () => {
    const world = createWorld({ rules: [loud], routes: [hourly] });
    await fire(world);
    await world.notify();
    for (let minute = 3; minute <= 95; minute++) {
      if (minute <= 9) world.put(minute, { n1: 96, n2: 50 });
      else world.put(minute, { n1: 0, n2: 1 }, 'up');
      await pass(world, minute);
    }
    const reminders = world.sent.map(({ notification }) => notification).slice(1);
    expect(reminders.map(({ reason, alerts }) => [reason, alerts[0]?.summary])).toEqual([
      ['repeat', 'n1 has used 96% at 16:49 for 9m'],
      ['repeat', 'n1 has used 96% at 16:49 for 9m'],
      ['repeat', 'n1 has used 96% at 16:49 for 9m'],
    ]);
    expect(newest(world)[1]).toContain('fired 16:42:00, no data since 16:50:00');
  });

  it('asks for the alerts of a rule once for all messages, and for none whose values breach', async () => {
    const byNode = { ...hourly, groupBy: ['node'] };
    const world = createWorld({ rules: [loud], routes: [byNode] });
    for (const minute of [0, 1, 2]) world.put(minute, { n1: 95, n2: 95 });
    await world.goTo(2);
    await world.judge(2);
    const asked: (string | undefined)[] = [];
    const { listAlerts } = world.state;
    world.ports.state = {
      ...world.state,
      listAlerts: (rule) => {
        asked.push(rule);
        return listAlerts(rule);
      },
    };
    const forRule = () => asked.filter((rule) => rule === loud.name).length;
    await world.notify();
    const atFirst = forRule();
    for (let minute = 3; minute <= 32; minute++) world.put(minute, { n1: 95, n2: 95 });
    await world.goTo(32);
    await world.notify();
    expect([world.sent.length, atFirst, forRule()]).toEqual([4, 0, 0]);
    await world.goTo(64);
    await world.notify();
    expect([world.sent.length, forRule()]).toEqual([6, 1]);
  });
});

describe('what fired and ended before it was sent', () => {
  const withFallback = [
    { name: 'ops', type: 'webhook', fallback: 'spare', theme: 'dark' as const, options: {} },
    { name: 'spare', type: 'webhook', theme: 'dark' as const, options: {} },
  ];

  it('is not said to be resolved, in the message to a fallback either', async () => {
    const world = createWorld({ rules: [loud], channels: withFallback });
    world.answers.ops = async () => {
      throw new Error('500');
    };
    await fire(world);
    await world.notify();
    await clear(world, 3);
    for (let minute = 3; minute <= 12; minute++) {
      await world.goTo(minute);
      await world.notify();
    }
    expect(world.said()).toEqual(['spare 1 fallback resolved n1:resolved']);
    expect(newest(world)).toEqual([
      'FIRED AND RESOLVED warning · Memory: prod / n1',
      'Memory: ended at 50%, was > 90% for 3m | since 16:40:00, fired 16:42:00, resolved 16:43:00 after 3m, not sent while it fired',
    ]);
  });

  it('nor in a group that fires', async () => {
    const world = createWorld({ rules: [loud] });
    await fire(world);
    await world.notify();
    for (const minute of [3, 4, 5]) world.put(minute, { n1: 95, n2: 97 });
    await pass(world, 5);
    world.put(6, { n1: 95, n2: 50 });
    await pass(world, 6);
    world.put(7, { n1: 95, n2: 50 });
    await pass(world, 8);
    expect(newest(world)[0]).toBe(
      'STILL FIRING warning · 1 fired and resolved (prod / n2), 1 firing · Memory: prod / n1',
    );
    expect(newest(world)[1]).toMatch(/not sent while it fired$/);
    await clear(world, 20);
    await world.notify();
    expect(newest(world)[0]).toBe('RESOLVED warning · Memory: prod / n1');
  });
});
