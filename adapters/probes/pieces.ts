/** What arrives in pieces, whose sizes the other side chooses. */
export interface Pieces {
  add(piece: Buffer): void;
  /** All that was added. Nothing of it is kept here. */
  join(): Buffer;
}

/** Each is an object of a few hundred bytes, and may keep a whole packet: 8 MB byte by byte took half a gigabyte. */
const MOST_PIECES = 1_024;

/** Holds pieces in about as much memory as they have bytes, in time linear in both. */
export function createPieces(): Pieces {
  let joined: Buffer[] = [];
  let small: Buffer[] = [];
  return {
    add(piece) {
      small.push(piece);
      if (small.length < MOST_PIECES) return;
      joined.push(Buffer.concat(small));
      small = [];
    },
    join() {
      const whole = Buffer.concat([...joined, ...small]);
      joined = [];
      small = [];
      return whole;
    },
  };
}
