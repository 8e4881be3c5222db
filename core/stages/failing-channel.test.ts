import { describe, expect, it } from 'vitest';
import { clear, createStageFixture, fire, MINUTE, route, START } from '../../test/stage-fixture.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';

const withFallback = [
  { name: 'ops', type: 'webhook', fallback: 'spare', theme: 'dark' as const, options: {} },
  { name: 'spare', type: 'webhook', theme: 'dark' as const, options: {} },
];

describe('a channel that fails', () => {
  it('is retried after what it asked for, under the same number', async () => {
    const fixture = createStageFixture();
    fixture.answers.ops = async () => {
      throw new RetryableError('busy', { retryAfterMs: 90_000 });
    };
    await fire(fixture);
    await fixture.notify();
    const dueAtMs = (await fixture.state.nextDueMs()) ?? 0;
    expect(dueAtMs).toBeGreaterThanOrEqual(START + 3.5 * MINUTE);
    expect(dueAtMs).toBeLessThanOrEqual(START + 4.25 * MINUTE);
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(3.4);
    await fixture.notify();
    expect(fixture.sent).toEqual([]);
    await fixture.time.advanceTo(dueAtMs);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
    const deliveries = await fixture.state.listDeliveries({ limit: 9 });
    expect(deliveries.map((d) => [d.number, d.attempt, d.outcome])).toEqual([
      [1, 2, 'delivered'],
      [1, 1, 'retry'],
    ]);
  });

  it('takes the next number when there is more to say by then', async () => {
    const fixture = createStageFixture();
    fixture.answers.ops = async () => {
      throw new Error('connection reset');
    };
    await fire(fixture);
    await fixture.notify();
    fixture.answers.ops = async () => undefined;
    await clear(fixture, 3);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
  });

  it('hands a refused message to the fallback, which is sent the end as well', async () => {
    const fixture = createStageFixture({ channels: withFallback });
    fixture.answers.ops = async () => {
      throw new ConfigError('401 for hunter2');
    };
    await fire(fixture);
    await fixture.notify();
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['spare 1 fallback firing n1:firing']);
    await clear(fixture, 8);
    await fixture.notify();
    expect(fixture.sentLines().slice(1)).toEqual(['spare 2 all-resolved resolved n1:resolved']);
    const failed = (await fixture.state.listDeliveries({ limit: 9 })).filter(
      (delivery) => delivery.outcome === 'failed',
    );
    expect(failed).toMatchObject([{ channel: 'ops', number: 1, detail: '401 for <secret>' }]);
    expect(JSON.stringify(fixture.logger.lines)).not.toContain('hunter2');
    // An alert that began and ended without the channel is no news there.
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(30);
    await fixture.notify();
    expect(fixture.sent).toHaveLength(2);
    expect(await fixture.state.openIncidents()).toEqual([]);
  });

  it('is sent what still fires when it is back, and both are sent the end', async () => {
    const fixture = createStageFixture({ channels: withFallback });
    fixture.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await fire(fixture);
    await fixture.notify();
    await fixture.notify();
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(7);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual([
      'spare 1 fallback firing n1:firing',
      'ops 1 first firing n1:firing',
    ]);
    await clear(fixture, 15);
    await fixture.notify();
    expect(fixture.sentLines().slice(2).sort()).toEqual([
      'ops 2 all-resolved resolved n1:resolved',
      'spare 2 all-resolved resolved n1:resolved',
    ]);
  });

  it('relieves its fallback, which is offered nothing more of what has ended', async () => {
    const fixture = createStageFixture({ channels: withFallback });
    await fire(fixture);
    await fixture.notify();
    const refuse = async () => {
      throw new PermanentError('404');
    };
    fixture.answers.ops = refuse;
    fixture.answers.spare = refuse;
    await clear(fixture, 8);
    await fixture.notify();
    await fixture.notify();
    expect((await fixture.state.openIncidents()).map(({ value }) => value.channel).sort()).toEqual([
      'ops',
      'spare',
    ]);
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(14);
    await fixture.notify();
    fixture.answers.spare = async () => undefined;
    await fixture.goTo(30);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual([
      'ops 1 first firing n1:firing',
      'ops 2 all-resolved resolved n1:resolved',
    ]);
    expect(await fixture.state.openIncidents()).toEqual([]);
  });

  it('and its fallback are offered it in turn while both refuse, and the first that accepts ends that', async () => {
    const fixture = createStageFixture({ channels: withFallback });
    const refuse = async () => {
      throw new PermanentError('404');
    };
    fixture.answers.ops = refuse;
    fixture.answers.spare = refuse;
    await fire(fixture);
    for (let minute = 2; minute <= 40; minute++) {
      await fixture.goTo(minute);
      await fixture.notify();
    }
    const tried = (await fixture.state.listDeliveries({ limit: 99 })).map(({ channel, number }) => [
      channel,
      number,
    ]);
    expect(tried.filter(([channel]) => channel === 'ops').length).toBeGreaterThanOrEqual(7);
    expect(tried.filter(([channel]) => channel === 'spare').length).toBeGreaterThanOrEqual(7);
    expect(new Set(tried.map(([, number]) => number))).toEqual(new Set([1]));
    await clear(fixture, 41);
    fixture.answers.spare = async () => undefined;
    for (let minute = 41; minute <= 60; minute++) {
      await fixture.goTo(minute);
      await fixture.notify();
    }
    expect(fixture.sentLines()).toEqual(['spare 2 fallback resolved n1:resolved']);
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(200);
    await fixture.notify();
    expect(fixture.sent).toHaveLength(1);
    expect(await fixture.state.openIncidents()).toEqual([]);
  });

  it('reaches the fallback in time though there is ever more to say', async () => {
    const fixture = createStageFixture({ channels: withFallback });
    fixture.answers.ops = async () => {
      throw new Error('timed out');
    };
    await fire(fixture);
    for (let minute = 2; minute <= 9; minute += 0.25) {
      await fixture.goTo(minute);
      if (Number.isInteger(minute) && minute > 2) {
        fixture.put(minute, { n1: minute % 2 ? 40 : 95, n2: 99 });
        await fixture.evaluate(minute);
      }
      await fixture.notify();
    }
    expect(fixture.sent[0]).toMatchObject({ channel: 'spare' });
    expect(fixture.sent[0]?.atMs).toBeLessThanOrEqual(START + 7.5 * MINUTE);
  });

  it('that refuses us for want of a credential is tried again, and sent the message once that is mended', async () => {
    const fixture = createStageFixture();
    fixture.answers.ops = async () => {
      throw new ConfigError('env:TOKEN is not set');
    };
    await fire(fixture);
    await fixture.notify();
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(8);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  });

  it('for good without a fallback is counted and shown, and offered the alert again', async () => {
    const fixture = createStageFixture();
    fixture.answers.ops = async () => {
      throw new PermanentError('no such hook');
    };
    await fire(fixture);
    await fixture.notify();
    await fixture.notify();
    expect(fixture.counted.get('deliveries_failed_total')).toBe(1);
    const line = fixture.logger.lines.find(({ level }) => level === 'error');
    expect(line).toMatchObject({ message: 'message not delivered; it is offered again' });
    expect(line?.fields).not.toHaveProperty('picture');
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(7);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  });

  it('that is down until the alert has ended is sent that it fired and resolved, with both times', async () => {
    const fixture = createStageFixture();
    fixture.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await fire(fixture);
    await fixture.notify();
    await clear(fixture, 4);
    await fixture.notify();
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(9);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
    expect(fixture.sent[0]?.notification.alerts[0]).toMatchObject({
      firedAtMs: START + 2 * MINUTE,
      resolvedAtMs: START + 4 * MINUTE,
    });
  });

  it('is offered the end of an alert that it was sent, and that of one nobody was sent for a day', async () => {
    const fixture = createStageFixture();
    await fire(fixture);
    await fixture.notify();
    fixture.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await clear(fixture, 8);
    await fixture.notify();
    expect(await fixture.state.openIncidents()).toHaveLength(1);
    for (const minute of [10, 11, 12]) fixture.put(minute, { n1: 50, n2: 95 });
    await fixture.goTo(12);
    await fixture.evaluate(12);
    fixture.put(13, { n1: 50, n2: 50 });
    await fixture.goTo(13);
    await fixture.evaluate(13);
    for (let hour = 1; hour <= 25; hour++) {
      await fixture.goTo(13 + hour * 60);
      await fixture.notify();
    }
    expect(fixture.counted.get('alerts_dropped_total')).toBe(1);
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(13 + 27 * 60);
    await fixture.notify();
    expect(fixture.sentLines().slice(1)).toEqual([
      expect.stringMatching(/^ops \d+ all-resolved resolved n1:resolved$/),
    ]);
    expect(await fixture.state.openIncidents()).toEqual([]);
  });

  it('says what failed of what is withheld by nothing, though it was withheld before', async () => {
    const fixture = createStageFixture();
    fixture.config.silences = [{ match: {}, fromMs: START, untilMs: START + 5 * MINUTE, comment: '' }];
    fixture.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await fire(fixture);
    await fixture.notify();
    await fixture.goTo(5);
    await fixture.notify();
    await clear(fixture, 6);
    fixture.answers.ops = async () => undefined;
    await fixture.goTo(11);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
  });

  it('does not delay another', async () => {
    const routes = [{ ...route, channels: ['ops', 'slow'] }];
    const channels = ['ops', 'slow'].map((name) => ({
      name,
      type: 'webhook',
      theme: 'dark' as const,
      options: {},
    }));
    const fixture = createStageFixture({ routes, channels });
    let release: () => void = () => undefined;
    fixture.answers.slow = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    await fire(fixture);
    const pass = fixture.notify();
    await fixture.goTo(2.1);
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
    release();
    await pass;
    expect(fixture.sent).toHaveLength(2);
  });
});
