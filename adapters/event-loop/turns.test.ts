import { expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { channelInTurns, nextTurn, stateInTurns } from './turns.ts';

/** Counts turns of the event loop until the promise resolves. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let over = false;
  void work.then(() => {
    over = true;
  });
  let turns = 0;
  for (; !over; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
  return turns;
}

it('gives each its own turn, first come, first served', async () => {
  const order: string[] = [];
  const work = ['a', 'b', 'c'].map(async (name) => {
    await nextTurn();
    order.push(name);
  });
  const others = (async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      order.push('-');
    }
  })();
  await Promise.all([...work, others]);
  expect(order).toEqual(['a', '-', 'b', '-', 'c', '-']);
});

it('gives a turn also to callers that come later', async () => {
  expect(await turnsOf(nextTurn())).toBe(1);
  expect(await turnsOf(nextTurn().then(nextTurn))).toBe(2);
});

it('a hundred messages are rendered in a hundred turns', async () => {
  const channel = channelInTurns({ send: async () => ({ detail: 'accepted' }), shows: 'none' });
  const signal = new AbortController().signal;
  const sent = Array.from({ length: 100 }, () => channel.send({} as never, undefined, { signal }));
  expect(await turnsOf(Promise.all(sent))).toBe(100);
  expect(channel).toMatchObject({ shows: 'none' });
  expect(await sent[0]).toEqual({ detail: 'accepted' });
});

it('each call of the state store has a turn, also those of counters', async () => {
  const state = stateInTurns(createMemoryState());
  const calls = [state.listAlerts(), state.counters.save('a', 1), state.counters.load('a')] as const;
  expect(await turnsOf(Promise.all(calls))).toBe(3);
  expect(await calls[2]).toBe(1);
});
