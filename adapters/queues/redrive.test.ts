import { describe, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { DeadLetter, DeadLetterQueue } from './dead-letters.ts';
import { readLetters, redrive } from './redrive.ts';

const queue: DeadLetterQueue = {
  stage: 'store',
  deadLetters: 'http://127.0.0.1:1/0/dead',
  queue: 'http://127.0.0.1:1/0/queue',
};

/** As strict as SQS: hidden messages are not received, of a group none behind a hidden one; receipts run out. */
function fakeQueue(bodies: readonly string[], { groups }: { groups?: readonly string[] } = {}) {
  const messages = bodies.map((body, i) => ({
    id: `m${i}`,
    body,
    groupId: groups?.[i],
    hidden: 0,
    receipt: '',
  }));
  const source: string[] = [];
  const faults = { send: (_: DeadLetter) => {}, remove: (_: DeadLetter) => true, empty: 0 };
  let receipts = 0;
  return {
    source,
    faults,
    left: () => messages.map(({ body }) => body),
    hidden: () => messages.filter(({ hidden }) => hidden > 0).map(({ body }) => body),
    expire: () => {
      for (const message of messages) message.hidden = 0;
    },
    port: {
      async receive(
        _: DeadLetterQueue,
        { most, invisibleSeconds }: { most: number; invisibleSeconds: number },
      ) {
        if (faults.empty-- > 0) return [];
        const blocked = new Set(messages.flatMap(({ hidden, groupId }) => (hidden > 0 && groupId) || []));
        const free = messages.filter(({ hidden, groupId }) => hidden === 0 && !blocked.has(groupId ?? ''));
        return free.slice(0, Math.min(10, most)).map((message) => {
          message.hidden = invisibleSeconds;
          message.receipt = `r${receipts++}`;
          const { id, body, groupId, receipt } = message;
          return { id, body, groupId, receipt, sentMs: 0 };
        });
      },
      async sendBack(_: DeadLetterQueue, letter: DeadLetter) {
        faults.send(letter);
        source.push(letter.body);
      },
      async remove(_: DeadLetterQueue, letters: readonly DeadLetter[]) {
        return letters.filter((letter) => {
          const at = messages.findIndex(({ receipt }) => receipt === letter.receipt);
          if (at < 0 || !faults.remove(letter)) return true;
          messages.splice(at, 1);
          return false;
        });
      },
      async release(_: DeadLetterQueue, letters: readonly DeadLetter[]) {
        for (const { receipt } of letters) {
          const message = messages.find((one) => one.receipt === receipt);
          if (message) message.hidden = 0;
        }
      },
    },
  };
}

const bodies = (count: number) => Array.from({ length: count }, (_, i) => `b${i}`);

describe('redrive', () => {
  it('sends back everything that was there, and deletes it', async () => {
    const fake = fakeQueue(bodies(25));
    const seen: number[] = [];
    const onProgress = (done: number) => seen.push(done);
    const result = await redrive(queue, { to: 'back', most: 25, onProgress }, fake.port);
    expect(result).toEqual({ done: 25, failed: 0, twice: 0, errors: [] });
    expect(fake.source.toSorted()).toEqual(bodies(25).toSorted());
    expect(fake.left()).toEqual([]);
    expect(seen).toEqual([10, 20, 25]);
  });

  it('takes no more than it is told to: what dies again is not taken up twice', async () => {
    const fake = fakeQueue(bodies(25));
    expect(await redrive(queue, { to: 'back', most: 12 }, fake.port)).toMatchObject({ done: 12 });
    expect(fake.left()).toHaveLength(13);
    expect(fake.hidden()).toEqual([]);
  });

  it('leaves there what cannot be sent, to be seen again at once, and says why once', async () => {
    const fake = fakeQueue(bodies(12));
    fake.faults.send = ({ body }) => {
      if (/b[37]$/.test(body)) throw new RetryableError('throttled');
    };
    const result = await redrive(queue, { to: 'back', most: 12 }, fake.port);
    expect(result).toEqual({ done: 10, failed: 2, twice: 0, errors: ['throttled'] });
    expect(fake.left()).toEqual(['b3', 'b7']);
    expect(fake.hidden()).toEqual([]);
  });

  it('ends when nothing can be sent, instead of trying every message', async () => {
    const fake = fakeQueue(bodies(50));
    let tries = 0;
    fake.faults.send = () => {
      tries++;
      throw new ConfigError('not allowed');
    };
    const result = await redrive(queue, { to: 'back', most: 50 }, fake.port);
    expect(result).toEqual({ done: 0, failed: 10, twice: 0, errors: ['not allowed'] });
    expect([tries, fake.left().length, fake.hidden()]).toEqual([10, 50, []]);
  });

  it('keeps the order of a group: what is behind a failed one stays with it', async () => {
    const fake = fakeQueue(bodies(6), { groups: ['x', 'y', 'x', 'y', 'x', 'y'] });
    fake.faults.send = ({ body }) => {
      if (body === 'b2') throw new RetryableError('throttled');
    };
    const result = await redrive(queue, { to: 'back', most: 6 }, fake.port);
    expect(fake.source).toEqual(['b0', 'b1', 'b3', 'b5']);
    expect(fake.left()).toEqual(['b2', 'b4']);
    expect(result).toMatchObject({ done: 4, failed: 2 });
  });

  it('tells what was sent and could not be deleted, and does not send it twice itself', async () => {
    const fake = fakeQueue(bodies(15));
    fake.faults.remove = ({ body }) => body !== 'b1';
    const port = {
      ...fake.port,
      receive: (...args: Parameters<typeof fake.port.receive>) => {
        // The first handful took longer than they were hidden.
        fake.expire();
        return fake.port.receive(...args);
      },
    };
    const result = await redrive(queue, { to: 'back', most: 15 }, port);
    expect(fake.source.filter((body) => body === 'b1')).toHaveLength(1);
    expect(result).toMatchObject({ done: 14, twice: 1 });
    expect(fake.left()).toEqual(['b1', 'b14']);
  });

  it('is not put off by a queue that says once that it is empty, and does not ask for ever', async () => {
    const fake = fakeQueue(bodies(3));
    fake.faults.empty = 2;
    expect(await redrive(queue, { to: 'back', most: 5 }, fake.port)).toMatchObject({ done: 3 });
  });

  it('discards without sending; what cannot be deleted stays', async () => {
    const fake = fakeQueue(bodies(5));
    fake.faults.remove = ({ body }) => body !== 'b2';
    const result = await redrive(queue, { to: 'discard', most: 5 }, fake.port);
    expect(result).toMatchObject({ done: 4, failed: 1 });
    expect([fake.source, fake.left(), fake.hidden()]).toEqual([[], ['b2'], []]);
  });
});

describe('reading', () => {
  it('shows up to so many and leaves all as it was', async () => {
    const fake = fakeQueue(bodies(25));
    expect(await readLetters(queue, 12, fake.port)).toHaveLength(12);
    expect(await readLetters(queue, 100, fake.port)).toHaveLength(25);
    expect([fake.left().length, fake.hidden()]).toEqual([25, []]);
  });
});
