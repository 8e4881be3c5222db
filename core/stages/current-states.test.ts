import { describe, expect, it } from 'vitest';
import {
  createStageFixture,
  fire,
  MINUTE,
  memory,
  route,
  START,
  type StageFixture,
} from '../../test/stage-fixture.ts';
import type { Rule } from '../model/rule.ts';
import { VALUES_WITHIN_MS } from './current-states.ts';

const loud: Rule = { ...memory, inhibitedBy: [], summary: '{{node}} has used {{value}}' };

/** Each node in the last message: its line, its value and that value's time in minutes. */
function sentTexts({ sent }: StageFixture) {
  const { notification } = sent.at(-1) ?? {};
  return notification?.alerts.map(({ summary, value, valueAtMs }) => [
    summary,
    value,
    valueAtMs === undefined ? undefined : (valueAtMs - START) / MINUTE,
  ]);
}

async function remind(fixture: StageFixture, minute: number): Promise<void> {
  await fixture.goTo(minute);
  await fixture.notify();
}

async function fired(rule: Rule = loud): Promise<StageFixture> {
  const fixture = createStageFixture({
    rules: [rule],
    routes: [{ ...route, repeatIntervalMs: 60 * MINUTE }],
  });
  await fire(fixture);
  await fixture.notify();
  return fixture;
}

describe('a message shows the values of its time', () => {
  it('in a reminder the newest, not those that it fired with', async () => {
    const fixture = await fired();
    expect(sentTexts(fixture)).toEqual([['n1 has used 95%', 95, undefined]]);
    for (let minute = 3; minute <= 62; minute++) fixture.put(minute, { n1: 99.9, n2: 50 });
    await remind(fixture, 62);
    expect(fixture.sentLines().at(-1)).toBe('ops 2 repeat firing n1:firing');
    expect(sentTexts(fixture)).toEqual([['n1 has used 99.9%', 99.9, undefined]]);
    expect(fixture.sent.at(-1)?.notification.alerts[0]?.news).toBe(false);
  });

  it('with a new alert those of the others too, and of a resolved one the value that it ended with', async () => {
    const fixture = await fired();
    for (const minute of [3, 4, 5, 6, 7]) {
      fixture.put(minute, { n1: 97, n2: 96 });
      await fixture.goTo(minute);
      await fixture.evaluate(minute);
    }
    await fixture.notify();
    expect(sentTexts(fixture)).toEqual([
      ['n2 has used 96%', 96, undefined],
      ['n1 has used 97%', 97, undefined],
    ]);
    fixture.put(8, { n1: 40, n2: 98 });
    await fixture.goTo(8);
    await fixture.evaluate(8);
    fixture.put(12, { n1: 20, n2: 99 });
    await remind(fixture, 12);
    expect(fixture.sentLines().at(-1)).toBe('ops 3 some-resolved firing n1:resolved+n2:firing');
    expect(sentTexts(fixture)).toEqual([
      ['Memory: ended at 40%, was > 90% for 8m', 40, undefined],
      ['n2 has used 99%', 99, undefined],
    ]);
  });

  it('with its time where the series has ended meanwhile', async () => {
    const fixture = await fired();
    for (let minute = 3; minute <= 40; minute++) fixture.put(minute, { n1: 98 });
    await remind(fixture, 62);
    expect(sentTexts(fixture)).toEqual([['n1 has used 98% at 17:20', 98, 40]]);
  });

  it('the last known with its time, after two seconds, where the store does not answer', async () => {
    const fixture = await fired();
    fixture.ports.store.latest = () => new Promise(() => undefined);
    await fixture.goTo(62);
    const notified = fixture.notify();
    await fixture.time.advanceTo(START + 62 * MINUTE + VALUES_WITHIN_MS);
    await notified;
    expect(sentTexts(fixture)).toEqual([['n1 has used 95% at 16:42', 95, 2]]);
    expect(fixture.counted.get('values_missing_total')).toBe(1);
  });

  it('the last known where the store fails, whose error text holds no secret', async () => {
    const fixture = await fired();
    fixture.ports.store.latest = async () => {
      throw new Error('no hunter2 here');
    };
    await remind(fixture, 62);
    expect(sentTexts(fixture)).toEqual([['n1 has used 95% at 16:42', 95, 2]]);
    expect(JSON.stringify(fixture.logger.lines)).not.toContain('hunter2');
  });

  it('the values of windows', async () => {
    const fixture = await fired({ ...loud, window: { lastMs: 2 * MINUTE, reduce: 'avg' } });
    for (let minute = 3; minute <= 64; minute++) fixture.put(minute, { n1: minute % 2 ? 94 : 100 });
    await remind(fixture, 64);
    expect(fixture.sentLines().at(-1)).toContain('repeat');
    expect(sentTexts(fixture)).toEqual([['n1 has used 97%', 97, undefined]]);
  });

  it('the values of ratios', async () => {
    const rule: Rule = {
      ...loud,
      over: 'swap_usage',
      summary: '{{node}}: {{metric}} is {{value}}, {{condition}}',
    };
    const fixture = createStageFixture({
      rules: [rule],
      routes: [{ ...route, repeatIntervalMs: 60 * MINUTE }],
    });
    for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 50, n2: 100 }, 'swap_usage');
    await fire(fixture);
    await fixture.notify();
    expect(sentTexts(fixture)).toEqual([['n1: mem_usage / swap_usage is 190%, > 90%', 190, undefined]]);
    for (let minute = 3; minute <= 59; minute++) {
      fixture.put(minute, { n1: 99 });
      if (minute < 58) fixture.put(minute, { n1: 60 }, 'swap_usage');
    }
    // The newest is five minutes old, and made of one that is seven.
    await remind(fixture, 64);
    expect(sentTexts(fixture)).toEqual([['n1: mem_usage / swap_usage is 165%, > 90%', 165, undefined]]);
  });

  it('the values of groups, not those of the few members that a round under way has yet', async () => {
    const fixture = await fired({
      ...loud,
      summary: '{{cluster}} has used {{value}}',
      aggregate: { by: ['cluster'], op: 'sum' },
    });
    for (let minute = 3; minute <= 62; minute++) {
      fixture.put(minute, minute === 62 ? { n1: 96 } : { n1: 96, n2: 70 });
    }
    await remind(fixture, 62);
    expect(sentTexts(fixture)).toEqual([['prod has used 166%', 166, undefined]]);
  });

  it('by one question for all alerts of a rule', async () => {
    const fixture = await fired();
    for (const minute of [3, 4, 5, 6, 7]) {
      fixture.put(minute, { n1: 97, n2: 96 });
      await fixture.goTo(minute);
      await fixture.evaluate(minute);
    }
    const asked: unknown[] = [];
    const { latest } = fixture.ports.store;
    fixture.ports.store.latest = (query) => {
      asked.push(query.where);
      return latest(query);
    };
    await fixture.notify();
    expect(asked).toEqual([{ cluster: ['prod'], node: ['n1', 'n2'] }]);
  });
});
