import { describe, expect, it } from 'vitest';
import { createStageFixture, fire, MINUTE, START } from '../../test/stage-fixture.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Channel, Receipt } from '../ports.ts';
import { PICTURE_WAIT_MS } from './pictures.ts';

it('asks for no alerts but those of rules that may inhibit', async () => {
  const fixture = createStageFixture();
  const asked: (string | undefined)[] = [];
  const { listAlerts } = fixture.state;
  // This configuration decides it, and the incident is checked once more a minute later.
  await fixture.notify();
  await fixture.goTo(1.5);
  await fixture.notify();
  await fire(fixture);
  fixture.state.listAlerts = (rule) => {
    asked.push(rule);
    return listAlerts(rule);
  };
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  expect(asked).toEqual(['node-down']);
});

describe('the picture', () => {
  it('is not waited for longer than three seconds', async () => {
    const fixture = createStageFixture();
    fixture.ports.draw = () => new Promise(() => undefined);
    await fire(fixture);
    const pass = fixture.notify();
    await fixture.time.advanceTo(START + 2 * MINUTE + PICTURE_WAIT_MS - 1);
    expect(fixture.sent).toEqual([]);
    await fixture.time.advanceTo(START + 2 * MINUTE + PICTURE_WAIT_MS);
    await pass;
    expect(fixture.sent[0]?.picture).toBeUndefined();
    expect((await fixture.state.listDeliveries({ limit: 1 }))[0]?.picture).toBe('late');
    expect(fixture.counted.get('pictures_total')).toBe(1);
  });

  it.each([
    ['refuses', new PermanentError('not enough rights to send photos')],
    ['ends the connection on', new RetryableError('it ended the connection')],
    ['answers nothing to', new Error('timed out')],
  ])('that the service %s does not take the text with it', async (_, error) => {
    const fixture = createStageFixture();
    const channel = fixture.ports.channels.get('ops');
    const picky: Channel = {
      async send(notification, picture, options) {
        if (picture) throw error;
        return (await channel?.send(notification, picture, options)) as Receipt;
      },
    };
    fixture.ports.channels = new Map([['ops', picky]]);
    await fire(fixture);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
    expect((await fixture.state.listDeliveries({ limit: 1 }))[0]).toMatchObject({
      outcome: 'delivered',
      picture: 'failed',
    });
  });

  it('is not left out where the service asks us to wait', async () => {
    const fixture = createStageFixture();
    let tries = 0;
    fixture.answers.ops = async () => {
      tries++;
      throw new RetryableError('busy', { rateLimited: true });
    };
    await fire(fixture);
    await fixture.notify();
    expect(tries).toBe(1);
  });

  it('is left out when drawing fails', async () => {
    const fixture = createStageFixture();
    fixture.ports.draw = async () => {
      throw new Error('no font');
    };
    await fire(fixture);
    await fixture.notify();
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
    expect((await fixture.state.listDeliveries({ limit: 1 }))[0]?.picture).toBe('failed');
  });
});
