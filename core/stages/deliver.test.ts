import { describe, expect, it } from 'vitest';
import { clear, createWorld, fire, MINUTE, route, START } from '../../test/stage-world.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import type { Channel, Receipt } from '../ports.ts';
import { PICTURE_WAIT_MS } from './pictures.ts';

it('asks for no alerts but those of rules that may inhibit', async () => {
  const world = createWorld();
  const asked: (string | undefined)[] = [];
  const { listAlerts } = world.state;
  await fire(world);
  world.state.listAlerts = (rule) => {
    asked.push(rule);
    return listAlerts(rule);
  };
  await world.notify();
  expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  expect(asked).toEqual(['node-down']);
});

describe('a channel that fails', () => {
  it('is retried after what it asked for, under the same number', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new RetryableError('busy', { retryAfterMs: 90_000 });
    };
    await fire(world);
    await world.notify();
    expect(await world.state.nextDueMs()).toBe(START + 3.5 * MINUTE);
    world.answers.ops = async () => undefined;
    await world.goTo(3);
    await world.notify();
    expect(world.sent).toEqual([]);
    await world.goTo(3.5);
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

  it('hands a refused message to the fallback, and goes on with the next', async () => {
    const channels = [
      { name: 'ops', type: 'webhook', fallback: 'spare', theme: 'dark' as const, options: {} },
      { name: 'spare', type: 'webhook', theme: 'dark' as const, options: {} },
    ];
    const world = createWorld({ channels });
    world.answers.ops = async () => {
      throw new ConfigError('401 for hunter2');
    };
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.said()).toEqual(['spare 1 fallback firing n1:firing']);
    expect(world.counted.get('secrets forgotten')).toBe(1);
    world.answers.ops = async () => undefined;
    await clear(world, 8);
    await world.notify();
    expect(world.said().at(-1)).toBe('ops 2 all-resolved resolved n1:resolved');
    const failed = (await world.state.listDeliveries({ limit: 9 })).filter(
      (delivery) => delivery.outcome === 'failed',
    );
    expect(failed).toMatchObject([{ channel: 'ops', number: 1, detail: '401 for <secret>' }]);
    expect(JSON.stringify(world.logger.lines)).not.toContain('hunter2');
  });

  it('reaches the fallback in time though there is ever more to say', async () => {
    const channels = [
      { name: 'ops', type: 'webhook', fallback: 'spare', theme: 'dark' as const, options: {} },
      { name: 'spare', type: 'webhook', theme: 'dark' as const, options: {} },
    ];
    const world = createWorld({ channels });
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

  it('is given up without a fallback, counted and shown', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new PermanentError('no such hook');
    };
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.counted.get('deliveries_failed_total')).toBe(1);
    expect(
      world.logger.lines.some((line) => line.level === 'error' && line.message.includes('give-up')),
    ).toBe(true);
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

describe('the picture', () => {
  it('is not waited for longer than three seconds', async () => {
    const world = createWorld();
    world.ports.draw = () => new Promise(() => undefined);
    await fire(world);
    const pass = world.notify();
    await world.time.advanceTo(START + 2 * MINUTE + PICTURE_WAIT_MS - 1);
    expect(world.sent).toEqual([]);
    await world.time.advanceTo(START + 2 * MINUTE + PICTURE_WAIT_MS);
    await pass;
    expect(world.sent[0]?.picture).toBeUndefined();
    expect((await world.state.listDeliveries({ limit: 1 }))[0]?.picture).toBe('late');
    expect(world.counted.get('pictures_total')).toBe(1);
  });

  it('that the service refuses does not take the text with it', async () => {
    const world = createWorld();
    const channel = world.ports.channels.get('ops');
    const picky: Channel = {
      async send(notification, picture, options) {
        if (picture) throw new PermanentError('not enough rights to send photos');
        return (await channel?.send(notification, picture, options)) as Receipt;
      },
    };
    world.ports.channels = new Map([['ops', picky]]);
    await fire(world);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    expect((await world.state.listDeliveries({ limit: 1 }))[0]).toMatchObject({
      outcome: 'delivered',
      picture: 'failed',
    });
  });

  it('is left out when drawing fails', async () => {
    const world = createWorld();
    world.ports.draw = async () => {
      throw new Error('no font');
    };
    await fire(world);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    expect((await world.state.listDeliveries({ limit: 1 }))[0]?.picture).toBe('failed');
  });
});
