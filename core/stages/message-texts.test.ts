import { describe, expect, it } from 'vitest';
import {
  clear,
  createStageFixture,
  fire,
  MINUTE,
  memory,
  route,
  type StageFixture,
} from '../../test/stage-fixture.ts';
import type { Rule } from '../model/rule.ts';
import { headline, historyText } from '../notify/text.ts';

const loud: Rule = { ...memory, inhibitedBy: [], summary: '{{node}} has used {{value}} for {{held}}' };

/** The headline of the newest message, and the text of each alert. START is 16:40 UTC. */
function newest({ sent }: StageFixture): string[] {
  const notification = sent.at(-1)?.notification;
  if (!notification) return [];
  const lines = notification.alerts.map((alert) => `${alert.summary} | ${historyText(alert, notification)}`);
  return [headline(notification), ...lines];
}

const hourly = { ...route, repeatIntervalMs: 30 * MINUTE };

async function pass(fixture: StageFixture, minute: number): Promise<void> {
  await fixture.goTo(minute);
  await fixture.evaluate(minute);
  await fixture.notify();
}

it('an alert for missing data states that they were missing, to its end and after it', async () => {
  const fixture = createStageFixture({ rules: [{ ...loud, noData: 'alerting' }], routes: [hourly] });
  for (let minute = 0; minute <= 2; minute++) fixture.put(minute, { n1: 21, n2: 50 });
  await pass(fixture, 2);
  for (let minute = 3; minute <= 12; minute++) {
    fixture.put(minute, { n2: 50 });
    fixture.put(minute, { n1: 1 }, 'up');
    await pass(fixture, minute);
  }
  expect(newest(fixture)).toEqual([
    'FIRING warning · Memory: prod / n1',
    'Memory: no data since 16:43 | since 16:43:00, fired 16:45:00 as data were missing',
  ]);
  fixture.put(13, { n1: 21, n2: 50 });
  await pass(fixture, 13);
  expect(newest(fixture)).toEqual([
    'RESOLVED warning · Memory: prod / n1',
    'Memory: had no data, ended at 21% after 10m | since 16:43:00, fired 16:45:00 as data were missing, resolved 16:53:00 after 10m',
  ]);
  expect(fixture.sent.at(-1)?.notification.alerts[0]).toMatchObject({
    reason: 'threshold',
    firedReason: 'no-data',
  });
});

describe('a reminder', () => {
  it('states that an alert recovers, and how long it had breached', async () => {
    const fixture = createStageFixture({
      rules: [{ ...loud, keepFiringForMs: 60 * MINUTE }],
      routes: [hourly],
    });
    await fire(fixture);
    await fixture.notify();
    for (let minute = 3; minute <= 32; minute++) {
      fixture.put(minute, { n1: minute < 20 ? 95 : 60, n2: 50 });
      await pass(fixture, minute);
    }
    expect(newest(fixture)).toEqual([
      'STILL FIRING warning · Memory: prod / n1',
      'Memory: 60%, was > 90% for 20m, recovering since 17:00 | since 16:40:00, fired 16:42:00, recovering since 17:00:00',
    ]);
  });

  it('states that one breaches again, before evaluation has seen it, also beside one that recovers', async () => {
    const fixture = createStageFixture({
      rules: [{ ...loud, keepFiringForMs: 90 * MINUTE }],
      routes: [hourly],
    });
    for (let minute = 0; minute <= 32; minute++) {
      const value = minute < 20 ? 95 : 60;
      fixture.put(minute, { n1: value, n2: value });
      await pass(fixture, minute);
    }
    fixture.put(62, { n1: 99, n2: 60 });
    await fixture.goTo(62);
    await fixture.notify();
    expect(newest(fixture).slice(1)).toEqual([
      'n1 has used 99% for 1h2m | since 16:40:00, fired 16:42:00',
      'Memory: 60%, was > 90% for 20m, recovering since 17:00 | since 16:40:00, fired 16:42:00, recovering since 17:00:00',
    ]);
  });

  it('states until when a node is known to be dead, also when the store has forgotten', async () => {
    const fixture = createStageFixture({ rules: [loud], routes: [hourly] });
    await fire(fixture);
    await fixture.notify();
    for (let minute = 3; minute <= 95; minute++) {
      if (minute <= 9) fixture.put(minute, { n1: 96, n2: 50 });
      else fixture.put(minute, { n1: 0, n2: 1 }, 'up');
      await pass(fixture, minute);
    }
    const reminders = fixture.sent.map(({ notification }) => notification).slice(1);
    expect(reminders.map(({ reason, alerts }) => [reason, alerts[0]?.summary])).toEqual([
      ['repeat', 'n1 has used 96% at 16:49 for 9m'],
      ['repeat', 'n1 has used 96% at 16:49 for 9m'],
      ['repeat', 'n1 has used 96% at 16:49 for 9m'],
    ]);
    expect(newest(fixture)[1]).toContain('fired 16:42:00, no data since 16:50:00');
  });

  it('asks for the alerts of a rule once for all messages, and for none whose values breach', async () => {
    const byNode = { ...hourly, groupBy: ['node'] };
    const fixture = createStageFixture({ rules: [loud], routes: [byNode] });
    for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 95 });
    await fixture.goTo(2);
    await fixture.evaluate(2);
    const asked: (string | undefined)[] = [];
    const { listAlerts } = fixture.state;
    fixture.ports.state = {
      ...fixture.state,
      listAlerts: (rule) => {
        asked.push(rule);
        return listAlerts(rule);
      },
    };
    const forRule = () => asked.filter((rule) => rule === loud.name).length;
    await fixture.notify();
    const atFirst = forRule();
    for (let minute = 3; minute <= 32; minute++) fixture.put(minute, { n1: 95, n2: 95 });
    await fixture.goTo(32);
    await fixture.notify();
    expect([fixture.sent.length, atFirst, forRule()]).toEqual([4, 0, 0]);
    await fixture.goTo(64);
    await fixture.notify();
    expect([fixture.sent.length, forRule()]).toEqual([6, 1]);
  });
});

describe('what fired and ended before it was sent', () => {
  const withFallback = [
    { name: 'ops', type: 'webhook', fallback: 'spare', theme: 'dark' as const, options: {} },
    { name: 'spare', type: 'webhook', theme: 'dark' as const, options: {} },
  ];

  it('is not called resolved, in the message to a fallback either', async () => {
    const fixture = createStageFixture({ rules: [loud], channels: withFallback });
    fixture.answers.ops = async () => {
      throw new Error('500');
    };
    await fire(fixture);
    await fixture.notify();
    await clear(fixture, 3);
    for (let minute = 3; minute <= 12; minute++) {
      await fixture.goTo(minute);
      await fixture.notify();
    }
    expect(fixture.sentLines()).toEqual(['spare 1 fallback resolved n1:resolved']);
    expect(newest(fixture)).toEqual([
      'FIRED AND RESOLVED warning · Memory: prod / n1',
      'Memory: ended at 50%, was > 90% for 3m | since 16:40:00, fired 16:42:00, resolved 16:43:00 after 3m, not sent while it fired',
    ]);
  });

  it('nor in a group that fires', async () => {
    const fixture = createStageFixture({ rules: [loud] });
    await fire(fixture);
    await fixture.notify();
    for (const minute of [3, 4, 5]) fixture.put(minute, { n1: 95, n2: 97 });
    await pass(fixture, 5);
    fixture.put(6, { n1: 95, n2: 50 });
    await pass(fixture, 6);
    fixture.put(7, { n1: 95, n2: 50 });
    await pass(fixture, 8);
    expect(newest(fixture)[0]).toBe(
      'STILL FIRING warning · 1 fired and resolved (prod / n2), 1 firing · Memory: prod / n1',
    );
    expect(newest(fixture)[1]).toMatch(/not sent while it fired$/);
    await clear(fixture, 20);
    await fixture.notify();
    expect(newest(fixture)[0]).toBe('RESOLVED warning · Memory: prod / n1');
  });
});
