import { describeError, RetryableError } from '../errors.ts';
import type { Delivery, PictureOutcome } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import type { Notification, Picture } from '../model/notification.ts';
import type { Channel, Clock, Logger, Meter, Receipt, Secrets, StateStore } from '../ports.ts';
import type { MessageDrawOptions } from './draw.ts';

export interface PicturePorts {
  /** Draws the alert's chart; undefined when there is nothing to draw. May fail or be slow: the text goes alone. */
  draw: (
    notification: Notification,
    incident: Incident,
    options: MessageDrawOptions,
  ) => Promise<Picture | undefined>;
  /** Resolves after that time; under test, virtual. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  state: Pick<StateStore, 'commitIncidents'>;
  secrets: Pick<Secrets, 'redact'>;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** Text waits for its picture at most this long (design, "Delivery"). */
export const PICTURE_WAIT_MS = 3_000;
/** A picture follows its text within this time; later nobody would read it. */
export const FOLLOW_WITHIN_MS = 60_000;
const FOLLOW_TIMEOUT_MS = 30_000;
const DETAIL_LIMIT = 500;

/** The picture of one attempt at a message, from order to outcome. */
export interface MessagePicture {
  /** The picture, if it is drawn before the text must go. */
  inTime(): Promise<Picture | undefined>;
  /** The service took the text only after the picture was left out. */
  refused(error: unknown): void;
  /** The picture's outcome once the attempt has this result. Gives up a picture that can no longer be sent. */
  conclude(result: { receipt: Receipt } | { error: unknown }): PictureOutcome;
  /** Sends a late picture as a reply where its destination has room, and writes its outcome into the record. */
  follow(receipt: Receipt, delivery: Delivery, hasRoom: () => Promise<boolean>): Promise<void>;
}

/** Orders the picture of a message; none where the channel shows none. */
export function requestPicture(
  notification: Notification,
  incident: Incident,
  channel: Channel | undefined,
  ports: PicturePorts,
  signal: AbortSignal,
): MessagePicture {
  const { meter, logger, secrets, sleep } = ports;
  const fields = { incident: incident.id, channel: notification.channel };
  const givenUp = new AbortController();
  const follow = channel?.follow?.bind(channel);
  const drawing = draw();
  let drawn: Picture | undefined;
  let outcome: PictureOutcome = 'none';
  drawing.then(
    (picture) => {
      drawn = picture;
      if (givenUp.signal.aborted) countInVain();
    },
    () => {},
  );

  async function draw(): Promise<Picture | undefined> {
    if (channel === undefined || channel.shows === 'none') return undefined;
    return await ports.draw(notification, incident, {
      form: channel.shows ?? 'bytes',
      signal: AbortSignal.any([signal, givenUp.signal]),
      ...(follow ? {} : { withinMs: PICTURE_WAIT_MS }),
    });
  }

  /** Resolves to `late` after that time. */
  async function within<T>(ms: number, wanted: Promise<T>): Promise<T | 'late'> {
    const done = new AbortController();
    const late = sleep(ms, AbortSignal.any([signal, done.signal])).then(() => 'late' as const);
    return await Promise.race([wanted, late]).finally(() => done.abort());
  }

  function countInVain(): void {
    if (drawn) meter.count('pictures_in_vain_total', { channel: notification.channel });
  }

  function giveUp(): void {
    if (givenUp.signal.aborted) return;
    givenUp.abort();
    countInVain();
  }

  function missing(what: 'late' | 'failed', why: string): void {
    outcome = what;
    logger.warn('message goes without its picture', { ...fields, why: secrets.redact(why) });
  }

  function failed(error: unknown): void {
    missing(error instanceof RetryableError ? 'late' : 'failed', describeError(error));
  }

  const count = () => {
    if (outcome !== 'none') meter.count('pictures_total', { channel: notification.channel, outcome });
  };
  const canFollow = () => outcome === 'late' && follow !== undefined;

  return {
    async inTime() {
      try {
        const picture = await within(PICTURE_WAIT_MS, drawing);
        if (picture !== 'late') {
          outcome = picture ? 'sent' : 'none';
          return picture;
        }
        missing('late', 'the picture took too long');
      } catch (error) {
        failed(error);
      }
      if (!canFollow()) giveUp();
      return undefined;
    },
    refused(error) {
      missing('failed', describeError(error));
      countInVain();
    },
    conclude(result) {
      if ('error' in result) {
        giveUp();
        // No message was sent, and so no picture.
        outcome = 'none';
        return outcome;
      }
      if (outcome === 'sent' && result.receipt.picture !== undefined) {
        outcome = result.receipt.picture;
        if (outcome === 'failed') countInVain();
      }
      if (!canFollow()) count();
      return outcome;
    },
    async follow(receipt, delivery, hasRoom) {
      if (!canFollow() || !follow) return;
      if (delivery.outcome !== 'delivered') return giveUp(); // It is sent once more.
      if (receipt.id === undefined) {
        giveUp(); // What it would reply to has no name.
        return count();
      }
      let detail: string | undefined;
      try {
        const picture = await within(FOLLOW_WITHIN_MS, drawing);
        if (picture === 'late') giveUp();
        else if (picture === undefined) outcome = 'none';
        else if (!(await hasRoom())) {
          detail = 'without its picture: other messages to its destination wait';
          countInVain();
        } else {
          const timed = AbortSignal.any([signal, AbortSignal.timeout(FOLLOW_TIMEOUT_MS)]);
          detail = secrets.redact((await follow(picture, receipt, notification, { signal: timed })).detail);
          outcome = 'followed';
          logger.info('the picture followed its message', fields);
        }
      } catch (error) {
        outcome = error instanceof RetryableError && !drawn ? 'late' : 'failed';
        giveUp();
        detail = secrets.redact(describeError(error));
        logger.warn('the picture could not follow its message', { ...fields, why: detail });
      }
      count();
      if (detail !== undefined) await record(delivery, detail);
    },
  };

  async function record(delivery: Delivery, detail: string): Promise<void> {
    const changed = {
      ...delivery,
      picture: outcome,
      detail: `${delivery.detail}; ${detail}`.slice(0, DETAIL_LIMIT),
    };
    await ports.state.commitIncidents({ incidents: [], delivery: changed });
  }
}
