import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { createPacing } from './pacing.ts';

const PIECE = 4 * 1024;

/** Reading a piece takes `cost` ms of virtual time. */
function setup(cost: number) {
  let nowMs = 0;
  const turns: (() => void)[] = [];
  const pacing = createPacing({
    nowMs: () => nowMs,
    blockedMs: () => 0,
    nextTurn: (next) => turns.push(next),
  });
  const read: string[] = [];
  const open = (name: string) => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    pacing.pace(stream);
    stream.on('data', (chunk: Buffer) => {
      read.push(`${name}${chunk.toString()[0]} ${chunk.length} ${pacing.waitedMs()}`);
      nowMs += cost;
    });
    stream.on('end', () => read.push(`${name} end`));
    return stream;
  };
  /** Runs one turn of the loop. Returns what was read in it. */
  const turn = () => {
    nowMs += 1;
    for (const next of turns.splice(0)) next();
    return read.splice(0);
  };
  const flowing = async () => new Promise((resolve) => setImmediate(resolve));
  return { open, turn, read, flowing, turns };
}

it('reads quick pieces immediately, and requests one turn only', async () => {
  const { open, turn, read, flowing, turns } = setup(0.1);
  const stream = open('a');
  await flowing();
  stream.push(Buffer.from('1'));
  stream.push(Buffer.alloc(PIECE + 5, '2'));
  expect(read.splice(0)).toEqual(['a1 1 0', `a2 ${PIECE} 0`, 'a2 5 0']);
  expect(turns).toHaveLength(1);
  expect(turn()).toEqual([]);
  expect(turns).toHaveLength(0);
});

it('leaves the rest to the next turns when the time is used up: one piece of each stream after the other, in order', async () => {
  const { open, turn, read, flowing } = setup(6);
  const [a, b] = [open('a'), open('b')];
  await flowing();
  expect(a.push(Buffer.alloc(4 * PIECE, '1'))).toBe(false);
  expect(b.push(Buffer.alloc(PIECE, '1'))).toBe(false);
  a.push(Buffer.from('2'));
  a.push(null);
  expect(read.splice(0)).toEqual([`a1 ${PIECE} 0`, `a1 ${PIECE} 0`]);
  // `waitedMs` reports how long a piece waited, so that a clock can be corrected.
  expect(turn()).toEqual([`a1 ${PIECE} 1`, `b1 ${PIECE} 7`]);
  expect(turn()).toEqual([`a1 ${PIECE} 14`, 'a2 1 20']);
  turn();
  await flowing();
  expect(read).toEqual(['a end']);
});

it('counts a piece inside another piece once: a session inside a session', async () => {
  const { open, read, flowing } = setup(3);
  const [outer, inner] = [open('o'), open('i')];
  await flowing();
  outer.prependListener('data', () => inner.push(Buffer.from('1')));
  outer.push(Buffer.alloc(PIECE + 1, '1'));
  // 12 ms together with the inner pieces: a third piece would exceed the limit.
  expect(read).toEqual(['i1 1 0', `o1 ${PIECE} 0`, 'i1 1 0', 'o1 1 0']);
  outer.push(Buffer.from('2'));
  expect(read).toHaveLength(4);
});
