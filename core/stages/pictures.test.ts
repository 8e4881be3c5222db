import { describe, expect, it } from 'vitest';
import { createWorld, fire, MINUTE, START, type World } from '../../test/stage-world.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Picture } from '../notify/model.ts';
import type { Channel, Receipt } from '../ports.ts';
import type { MessageDrawOptions } from './draw.ts';
import { FOLLOW_WITHIN_MS, PICTURE_WAIT_MS } from './pictures.ts';

const SENT = START + 2 * MINUTE;
const picture: Picture = { png: new Uint8Array([1]), width: 1, height: 1, alt: 'chart' };

/** A world whose pictures are drawn when the test says so, and a channel of which it knows what it was given. */
function createStudio(channel: Partial<Channel> = {}) {
  const world = createWorld();
  const asked: MessageDrawOptions[] = [];
  const drawn = Promise.withResolvers<Picture | undefined>();
  drawn.promise.catch(() => {});
  world.ports.draw = (_, __, options) => {
    asked.push(options);
    return drawn.promise;
  };
  const texts: (Picture | undefined)[] = [];
  const receipt: Receipt = { id: 'm1', detail: 'accepted' };
  world.ports.channels = new Map([
    [
      'ops',
      {
        async send(_, shown) {
          texts.push(shown);
          return receipt;
        },
        ...channel,
      },
    ],
  ]);
  const outcome = async () => (await world.state.listDeliveries({ limit: 1 }))[0]?.picture;
  return { world, asked, drawn, texts, receipt, outcome };
}

const totals = ({ counted }: World) => [
  counted.get('pictures_total') ?? 0,
  counted.get('pictures_in_vain_total') ?? 0,
];

it('is not asked for where the channel shows none', async () => {
  const { world, asked, texts, outcome } = createStudio({ shows: 'none' });
  await fire(world);
  // It does not wait either.
  await world.notify();
  expect([asked, texts, await outcome()]).toEqual([[], [undefined], 'none']);
  expect(totals(world)).toEqual([0, 0]);
});

it('is asked for in the form that the channel shows', async () => {
  const { world, asked, drawn } = createStudio({ shows: 'address' });
  drawn.resolve(picture);
  await fire(world);
  await world.notify();
  expect(asked.map(({ form, withinMs }) => [form, withinMs])).toEqual([['address', PICTURE_WAIT_MS]]);
});

it('goes with its text when it is drawn in time', async () => {
  const { world, drawn, texts, outcome } = createStudio();
  await fire(world);
  const pass = world.notify();
  await world.time.advanceTo(SENT + PICTURE_WAIT_MS - 1);
  drawn.resolve(picture);
  await pass;
  expect([texts, await outcome()]).toEqual([[picture], 'sent']);
  expect(totals(world)).toEqual([1, 0]);
});

describe('a picture that comes late', () => {
  it('is not wanted any more where it cannot follow, and in vain if it is drawn all the same', async () => {
    const { world, asked, drawn, texts, outcome } = createStudio();
    await fire(world);
    const pass = world.notify();
    await world.time.advanceTo(SENT + PICTURE_WAIT_MS - 1);
    expect(asked[0]?.signal.aborted).toBe(false);
    await world.time.advanceTo(SENT + PICTURE_WAIT_MS);
    await pass;
    expect([asked[0]?.signal.aborted, texts, await outcome()]).toEqual([true, [undefined], 'late']);
    expect(totals(world)).toEqual([1, 0]);
    drawn.resolve(picture);
    await world.time.advanceTo(SENT + MINUTE);
    expect(totals(world)).toEqual([1, 1]);
  });

  it('follows where the service knows replies; the record of the message is there before', async () => {
    const followed: unknown[] = [];
    const { world, asked, drawn, receipt, outcome } = createStudio({
      async follow(shown, to, { number }) {
        followed.push([shown, to, number]);
        return { detail: 'reply m2' };
      },
    });
    await fire(world);
    const pass = world.notify();
    await world.time.advanceTo(SENT + PICTURE_WAIT_MS);
    expect(asked[0]).not.toHaveProperty('withinMs');
    expect([asked[0]?.signal.aborted, await outcome(), followed]).toEqual([false, 'late', []]);
    const [incident] = await world.state.listIncidents({ limit: 1 });
    expect(incident?.attempt).toBeUndefined();
    drawn.resolve(picture);
    await pass;
    expect([followed, await outcome()]).toEqual([[[picture, receipt, 1]], 'followed']);
    const deliveries = await world.state.listDeliveries({ limit: 9 });
    expect(deliveries.map(({ detail }) => detail)).toEqual(['accepted; reply m2']);
    expect(totals(world)).toEqual([1, 0]);
  });

  it('is dropped after a minute', async () => {
    const { world, asked, outcome } = createStudio({ follow: async () => ({ detail: 'reply' }) });
    await fire(world);
    const pass = world.notify();
    await world.time.advanceTo(SENT + PICTURE_WAIT_MS + FOLLOW_WITHIN_MS);
    await pass;
    expect([asked[0]?.signal.aborted, await outcome()]).toEqual([true, 'late']);
    expect(totals(world)).toEqual([1, 0]);
  });

  it.each([
    ['cannot be drawn', new Error('no font'), undefined],
    ['is refused as a reply', undefined, new PermanentError('thread is locked')],
  ])('leaves its text as it is when it %s', async (_, drawing, replying) => {
    const { world, drawn, texts, outcome } = createStudio({
      async follow() {
        throw replying ?? new Error('must not be called');
      },
    });
    await fire(world);
    const pass = world.notify();
    await world.time.advanceTo(SENT + PICTURE_WAIT_MS);
    if (drawing) drawn.reject(drawing);
    else drawn.resolve(picture);
    await pass;
    expect([texts, await outcome()]).toEqual([[undefined], 'failed']);
    expect(totals(world)).toEqual([1, drawing ? 0 : 1]);
    expect(world.logger.lines.map(({ message }) => message)).toContain(
      'the picture could not follow its message',
    );
  });
});

it('for which there is no time or no room is late, and its text goes at once', async () => {
  const { world, drawn, texts, outcome } = createStudio();
  drawn.reject(new RetryableError('200 pictures of newer incidents wait already'));
  await fire(world);
  await world.notify();
  expect([texts, await outcome()]).toEqual([[undefined], 'late']);
});

it('of a message that was not accepted was shown to nobody', async () => {
  const { world, drawn, outcome } = createStudio({
    async send() {
      throw new RetryableError('503');
    },
  });
  drawn.resolve(picture);
  await fire(world);
  await world.notify();
  expect(await outcome()).toBe('none');
  expect(totals(world)).toEqual([0, 1]);
});

it.each(['followed', 'failed'] as const)('is %s when the channel says so of its message', async (said) => {
  const { world, drawn, outcome } = createStudio({
    send: async () => ({ detail: 'accepted, but', picture: said }),
  });
  drawn.resolve(picture);
  await fire(world);
  await world.notify();
  expect(await outcome()).toBe(said);
  expect(totals(world)).toEqual([1, said === 'failed' ? 1 : 0]);
});
