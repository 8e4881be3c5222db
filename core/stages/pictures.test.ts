import { describe, expect, it } from 'vitest';
import { createStageFixture, fire, MINUTE, START, type StageFixture } from '../../test/stage-fixture.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Picture } from '../model/notification.ts';
import type { Channel, Receipt } from '../ports.ts';
import type { MessageDrawOptions } from './draw.ts';
import { FOLLOW_WITHIN_MS, PICTURE_WAIT_MS } from './pictures.ts';

const SENT = START + 2 * MINUTE;
const picture: Picture = { png: new Uint8Array([1]), width: 1, height: 1, alt: 'chart' };

/** A fixture whose pictures are drawn when the test says so, and a channel that records what it was given. */
function createStudio(channel: Partial<Channel> = {}) {
  const fixture = createStageFixture();
  const asked: MessageDrawOptions[] = [];
  const drawn = Promise.withResolvers<Picture | undefined>();
  drawn.promise.catch(() => {});
  fixture.ports.draw = (_, __, options) => {
    asked.push(options);
    return drawn.promise;
  };
  const texts: (Picture | undefined)[] = [];
  const receipt: Receipt = { id: 'm1', detail: 'accepted' };
  fixture.ports.channels = new Map([
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
  const outcome = async () => (await fixture.state.listDeliveries({ limit: 1 }))[0]?.picture;
  return { fixture, asked, drawn, texts, receipt, outcome };
}

const totals = ({ counted }: StageFixture) => [
  counted.get('pictures_total') ?? 0,
  counted.get('pictures_in_vain_total') ?? 0,
];

it('is not asked for where the channel shows none', async () => {
  const { fixture, asked, texts, outcome } = createStudio({ shows: 'none' });
  await fire(fixture);
  // It does not wait either.
  await fixture.notify();
  expect([asked, texts, await outcome()]).toEqual([[], [undefined], 'none']);
  expect(totals(fixture)).toEqual([0, 0]);
});

it('is asked for in the form that the channel shows', async () => {
  const { fixture, asked, drawn } = createStudio({ shows: 'address' });
  drawn.resolve(picture);
  await fire(fixture);
  await fixture.notify();
  expect(asked.map(({ form, withinMs }) => [form, withinMs])).toEqual([['address', PICTURE_WAIT_MS]]);
});

it('goes with its text when it is drawn in time', async () => {
  const { fixture, drawn, texts, outcome } = createStudio();
  await fire(fixture);
  const pass = fixture.notify();
  await fixture.time.advanceTo(SENT + PICTURE_WAIT_MS - 1);
  drawn.resolve(picture);
  await pass;
  expect([texts, await outcome()]).toEqual([[picture], 'sent']);
  expect(totals(fixture)).toEqual([1, 0]);
});

describe('a picture that comes late', () => {
  it('is not wanted any more where it cannot follow, and in vain if it is drawn all the same', async () => {
    const { fixture, asked, drawn, texts, outcome } = createStudio();
    await fire(fixture);
    const pass = fixture.notify();
    await fixture.time.advanceTo(SENT + PICTURE_WAIT_MS - 1);
    expect(asked[0]?.signal.aborted).toBe(false);
    await fixture.time.advanceTo(SENT + PICTURE_WAIT_MS);
    await pass;
    expect([asked[0]?.signal.aborted, texts, await outcome()]).toEqual([true, [undefined], 'late']);
    expect(totals(fixture)).toEqual([1, 0]);
    drawn.resolve(picture);
    await fixture.time.advanceTo(SENT + MINUTE);
    expect(totals(fixture)).toEqual([1, 1]);
  });

  it('follows where the service knows replies; the record of the message is there before', async () => {
    const followed: unknown[] = [];
    const { fixture, asked, drawn, receipt, outcome } = createStudio({
      async follow(shown, to, { number }) {
        followed.push([shown, to, number]);
        return { detail: 'reply m2' };
      },
    });
    await fire(fixture);
    const pass = fixture.notify();
    await fixture.time.advanceTo(SENT + PICTURE_WAIT_MS);
    expect(asked[0]).not.toHaveProperty('withinMs');
    expect([asked[0]?.signal.aborted, await outcome(), followed]).toEqual([false, 'late', []]);
    const [incident] = await fixture.state.listIncidents({ limit: 1 });
    expect(incident?.attempt).toBeUndefined();
    drawn.resolve(picture);
    await pass;
    expect([followed, await outcome()]).toEqual([[[picture, receipt, 1]], 'followed']);
    const deliveries = await fixture.state.listDeliveries({ limit: 9 });
    expect(deliveries.map(({ detail }) => detail)).toEqual(['accepted; reply m2']);
    expect(totals(fixture)).toEqual([1, 0]);
  });

  it('is dropped after a minute', async () => {
    const { fixture, asked, outcome } = createStudio({ follow: async () => ({ detail: 'reply' }) });
    await fire(fixture);
    const pass = fixture.notify();
    await fixture.time.advanceTo(SENT + PICTURE_WAIT_MS + FOLLOW_WITHIN_MS);
    await pass;
    expect([asked[0]?.signal.aborted, await outcome()]).toEqual([true, 'late']);
    expect(totals(fixture)).toEqual([1, 0]);
  });

  it.each([
    ['cannot be drawn', new Error('no font'), undefined],
    ['is refused as a reply', undefined, new PermanentError('thread is locked')],
  ])('leaves its text as it is when it %s', async (_, drawing, replying) => {
    const { fixture, drawn, texts, outcome } = createStudio({
      async follow() {
        throw replying ?? new Error('must not be called');
      },
    });
    await fire(fixture);
    const pass = fixture.notify();
    await fixture.time.advanceTo(SENT + PICTURE_WAIT_MS);
    if (drawing) drawn.reject(drawing);
    else drawn.resolve(picture);
    await pass;
    expect([texts, await outcome()]).toEqual([[undefined], 'failed']);
    expect(totals(fixture)).toEqual([1, drawing ? 0 : 1]);
    expect(fixture.logger.lines.map(({ message }) => message)).toContain(
      'the picture could not follow its message',
    );
  });
});

it('for which there is no time or no room is late, and its text goes at once', async () => {
  const { fixture, drawn, texts, outcome } = createStudio();
  drawn.reject(new RetryableError('200 pictures of newer incidents wait already'));
  await fire(fixture);
  await fixture.notify();
  expect([texts, await outcome()]).toEqual([[undefined], 'late']);
});

it('counts as shown to nobody where its message was not accepted', async () => {
  const { fixture, drawn, outcome } = createStudio({
    async send() {
      throw new RetryableError('503');
    },
  });
  drawn.resolve(picture);
  await fire(fixture);
  await fixture.notify();
  expect(await outcome()).toBe('none');
  expect(totals(fixture)).toEqual([0, 1]);
});

it.each(['followed', 'failed'] as const)(
  'is %s when the channel says so of its message',
  async (pictureOutcome) => {
    const { fixture, drawn, outcome } = createStudio({
      send: async () => ({ detail: 'accepted, but', picture: pictureOutcome }),
    });
    drawn.resolve(picture);
    await fire(fixture);
    await fixture.notify();
    expect(await outcome()).toBe(pictureOutcome);
    expect(totals(fixture)).toEqual([1, pictureOutcome === 'failed' ? 1 : 0]);
  },
);
