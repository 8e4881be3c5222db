import { describe, expect, it } from 'vitest';
import { clear, createWorld, fire, MINUTE, route, START } from '../../test/stage-world.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';

const withFallback = [
  { name: 'ops', type: 'webhook', fallback: 'spare', theme: 'dark' as const, options: {} },
  { name: 'spare', type: 'webhook', theme: 'dark' as const, options: {} },
];

describe('a channel that fails', () => {
  it('is retried after what it asked for, under the same number', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new RetryableError('busy', { retryAfterMs: 90_000 });
    };
    await fire(world);
    await world.notify();
    const dueAtMs = (await world.state.nextDueMs()) ?? 0;
    expect(dueAtMs).toBeGreaterThanOrEqual(START + 3.5 * MINUTE);
    expect(dueAtMs).toBeLessThanOrEqual(START + 4.25 * MINUTE);
    world.answers.ops = async () => undefined;
    await world.goTo(3.4);
    await world.notify();
    expect(world.sent).toEqual([]);
    await world.time.advanceTo(dueAtMs);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    const deliveries = await world.state.listDeliveries({ limit: 9 });
    expect(deliveries.map((d) => [d.number, d.attempt, d.outcome])).toEqual([
      [1, 2, 'delivered'],
      [1, 1, 'retry'],
    ]);
  });

  it('takes the next number when there is more to say by then', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new Error('connection reset');
    };
    await fire(world);
    await world.notify();
    world.answers.ops = async () => undefined;
    await clear(world, 3);
    await world.notify();
    expect(world.said()).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
  });

  it('hands a refused message to the fallback, which is sent the end as well', async () => {
    const world = createWorld({ channels: withFallback });
    world.answers.ops = async () => {
      throw new ConfigError('401 for hunter2');
    };
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.said()).toEqual(['spare 1 fallback firing n1:firing']);
    expect(world.counted.get('secrets forgotten')).toBe(1);
    await clear(world, 8);
    await world.notify();
    expect(world.said().slice(1)).toEqual(['spare 2 all-resolved resolved n1:resolved']);
    const failed = (await world.state.listDeliveries({ limit: 9 })).filter(
      (delivery) => delivery.outcome === 'failed',
    );
    expect(failed).toMatchObject([{ channel: 'ops', number: 1, detail: '401 for <secret>' }]);
    expect(JSON.stringify(world.logger.lines)).not.toContain('hunter2');
    // What began and ended without the channel is no news there.
    world.answers.ops = async () => undefined;
    await world.goTo(30);
    await world.notify();
    expect(world.sent).toHaveLength(2);
    expect(await world.state.openIncidents()).toEqual([]);
  });

  it('hears of what still fires when it is back, and both are sent the end', async () => {
    const world = createWorld({ channels: withFallback });
    world.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await fire(world);
    await world.notify();
    await world.notify();
    world.answers.ops = async () => undefined;
    await world.goTo(7);
    await world.notify();
    expect(world.said()).toEqual(['spare 1 fallback firing n1:firing', 'ops 1 first firing n1:firing']);
    await clear(world, 15);
    await world.notify();
    expect(world.said().slice(2).sort()).toEqual([
      'ops 2 all-resolved resolved n1:resolved',
      'spare 2 all-resolved resolved n1:resolved',
    ]);
  });

  it('relieves its fallback, which is offered nothing more of what has ended', async () => {
    const world = createWorld({ channels: withFallback });
    await fire(world);
    await world.notify();
    const refuse = async () => {
      throw new PermanentError('404');
    };
    world.answers.ops = refuse;
    world.answers.spare = refuse;
    await clear(world, 8);
    await world.notify();
    await world.notify();
    expect((await world.state.openIncidents()).map(({ value }) => value.channel).sort()).toEqual([
      'ops',
      'spare',
    ]);
    world.answers.ops = async () => undefined;
    await world.goTo(14);
    await world.notify();
    world.answers.spare = async () => undefined;
    await world.goTo(30);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing', 'ops 2 all-resolved resolved n1:resolved']);
    expect(await world.state.openIncidents()).toEqual([]);
  });

  it('and its fallback are offered it in turn while both refuse, and the first that accepts ends that', async () => {
    const world = createWorld({ channels: withFallback });
    const refuse = async () => {
      throw new PermanentError('404');
    };
    world.answers.ops = refuse;
    world.answers.spare = refuse;
    await fire(world);
    for (let minute = 2; minute <= 40; minute++) {
      await world.goTo(minute);
      await world.notify();
    }
    const tried = (await world.state.listDeliveries({ limit: 99 })).map(({ channel, number }) => [
      channel,
      number,
    ]);
    expect(tried.filter(([channel]) => channel === 'ops').length).toBeGreaterThanOrEqual(7);
    expect(tried.filter(([channel]) => channel === 'spare').length).toBeGreaterThanOrEqual(7);
    expect(new Set(tried.map(([, number]) => number))).toEqual(new Set([1]));
    await clear(world, 41);
    world.answers.spare = async () => undefined;
    for (let minute = 41; minute <= 60; minute++) {
      await world.goTo(minute);
      await world.notify();
    }
    expect(world.said()).toEqual(['spare 2 fallback resolved n1:resolved']);
    world.answers.ops = async () => undefined;
    await world.goTo(200);
    await world.notify();
    expect(world.sent).toHaveLength(1);
    expect(await world.state.openIncidents()).toEqual([]);
  });

  it('reaches the fallback in time though there is ever more to say', async () => {
    const world = createWorld({ channels: withFallback });
    world.answers.ops = async () => {
      throw new Error('timed out');
    };
    await fire(world);
    for (let minute = 2; minute <= 9; minute += 0.25) {
      await world.goTo(minute);
      if (Number.isInteger(minute) && minute > 2) {
        world.put(minute, { n1: minute % 2 ? 40 : 95, n2: 99 });
        await world.judge(minute);
      }
      await world.notify();
    }
    expect(world.sent[0]).toMatchObject({ channel: 'spare' });
    expect(world.sent[0]?.atMs).toBeLessThanOrEqual(START + 7.5 * MINUTE);
  });

  it('that refuses us for want of a credential is tried again, and told once that is mended', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new ConfigError('env:TOKEN is not set');
    };
    await fire(world);
    await world.notify();
    world.answers.ops = async () => undefined;
    await world.goTo(8);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  });

  it('for good without a fallback is counted and shown, and offered the alert again', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new PermanentError('no such hook');
    };
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.counted.get('deliveries_failed_total')).toBe(1);
    const line = world.logger.lines.find(({ level }) => level === 'error');
    expect(line).toMatchObject({ message: 'message not delivered; it is offered again' });
    expect(line?.fields).not.toHaveProperty('picture');
    world.answers.ops = async () => undefined;
    await world.goTo(7);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  });

  it('until the alert has ended says that it fired and resolved, with both times', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await fire(world);
    await world.notify();
    await clear(world, 4);
    await world.notify();
    world.answers.ops = async () => undefined;
    await world.goTo(9);
    await world.notify();
    expect(world.said()).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
    expect(world.sent[0]?.notification.alerts[0]).toMatchObject({
      firedAtMs: START + 2 * MINUTE,
      resolvedAtMs: START + 4 * MINUTE,
    });
  });

  it('is offered the end of an alert that it was sent, and that of one nobody was sent for a day', async () => {
    const world = createWorld();
    await fire(world);
    await world.notify();
    world.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await clear(world, 8);
    await world.notify();
    expect(await world.state.openIncidents()).toHaveLength(1);
    for (const minute of [10, 11, 12]) world.put(minute, { n1: 50, n2: 95 });
    await world.goTo(12);
    await world.judge(12);
    world.put(13, { n1: 50, n2: 50 });
    await world.goTo(13);
    await world.judge(13);
    for (let hour = 1; hour <= 25; hour++) {
      await world.goTo(13 + hour * 60);
      await world.notify();
    }
    expect(world.counted.get('alerts_dropped_total')).toBe(1);
    world.answers.ops = async () => undefined;
    await world.goTo(13 + 27 * 60);
    await world.notify();
    expect(world.said().slice(1)).toEqual([
      expect.stringMatching(/^ops \d+ all-resolved resolved n1:resolved$/),
    ]);
    expect(await world.state.openIncidents()).toEqual([]);
  });

  it('says what failed of what is withheld by nothing, though it was withheld before', async () => {
    const world = createWorld();
    world.config.silences = [{ match: {}, fromMs: START, untilMs: START + 5 * MINUTE, comment: '' }];
    world.answers.ops = async () => {
      throw new PermanentError('404');
    };
    await fire(world);
    await world.notify();
    await world.goTo(5);
    await world.notify();
    await clear(world, 6);
    world.answers.ops = async () => undefined;
    await world.goTo(11);
    await world.notify();
    expect(world.said()).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
  });

  it('does not delay another', async () => {
    const routes = [{ ...route, channels: ['ops', 'slow'] }];
    const channels = ['ops', 'slow'].map((name) => ({
      name,
      type: 'webhook',
      theme: 'dark' as const,
      options: {},
    }));
    const world = createWorld({ routes, channels });
    let release: () => void = () => undefined;
    world.answers.slow = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    await fire(world);
    const pass = world.notify();
    await world.goTo(2.1);
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    release();
    await pass;
    expect(world.sent).toHaveLength(2);
  });
});
