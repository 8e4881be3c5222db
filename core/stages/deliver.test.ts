import { describe, expect, it } from 'vitest';
import { createWorld, fire, MINUTE, START } from '../../test/stage-world.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Channel, Receipt } from '../ports.ts';
import { PICTURE_WAIT_MS } from './pictures.ts';

it('asks for no alerts but those of rules that may inhibit', async () => {
  const world = createWorld();
  const asked: (string | undefined)[] = [];
  const { listAlerts } = world.state;
  // Decided by this configuration, and looked at once more a minute later.
  await world.notify();
  await world.goTo(1.5);
  await world.notify();
  await fire(world);
  world.state.listAlerts = (rule) => {
    asked.push(rule);
    return listAlerts(rule);
  };
  await world.notify();
  expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  expect(asked).toEqual(['node-down']);
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

  it.each([
    ['refuses', new PermanentError('not enough rights to send photos')],
    ['ends the connection on', new RetryableError('it ended the connection')],
    ['answers nothing to', new Error('timed out')],
  ])('that the service %s does not take the text with it', async (_, error) => {
    const world = createWorld();
    const channel = world.ports.channels.get('ops');
    const picky: Channel = {
      async send(notification, picture, options) {
        if (picture) throw error;
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

  it('is not left out where the service asks us to wait', async () => {
    const world = createWorld();
    let tries = 0;
    world.answers.ops = async () => {
      tries++;
      throw new RetryableError('busy', { rateLimited: true });
    };
    await fire(world);
    await world.notify();
    expect(tries).toBe(1);
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
