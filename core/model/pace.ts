/** A service's limit for one receiver: messages further apart than `everyMs`; 0: no limit is known. */
export interface Destination {
  /** The same for all channels that share a limit of their service. Shows no secret. */
  key: string;
  everyMs: number;
}

/** Critical news go first; within a lane the oldest does. */
export type Lane = 'urgent' | 'normal';

/** What all senders know of a destination, kept in state. */
export interface Pace {
  lanes: Readonly<Record<Lane, LaneState>>;
  /** The service asked to wait so long, last. */
  pauseUntilMs?: number;
  /** How often it did since it last took a message. */
  refusals: number;
  /** When it was changed last. */
  changedAtMs: number;
  /** The last slots that nobody can have used yet, oldest first: whoever took one may die before its incident has it. */
  ahead?: readonly SlotAhead[];
}

/** Short, so that the item of a pace stays below a kilobyte, which is what a write costs at least. */
export type SlotAhead = readonly [
  incident: number,
  lane: Lane,
  sinceMs: number,
  waitMs: number,
  putOffMs: number,
];

export interface LaneState {
  /** The next free slot. */
  endMs: number;
  /** By how much all slots of the lane were put off so far: a slot is kept as its time without that. */
  putOffMs: number;
}

/** The time that a message has in its destination's pace. */
export interface Slot {
  destination: string;
  lane: Lane;
  /** Its time, less what its lane had been put off when it was taken. */
  atMs: number;
  /** When the message was first to be sent. */
  sinceMs: number;
}
