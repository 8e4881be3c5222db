/** The state of the mutants in this process: the active one, and the ids that were asked for. */
export const mutants = {
  active: -1,
  calls: 0,
  maxCalls: Infinity,
  seen: new Set<number>(),
};

export class EndlessLoopError extends Error {}

declare global {
  var __mutant: (id: number) => boolean;
}

const seenAt = new Uint8Array(1 << 18);

globalThis.__mutant = (id) => {
  if (++mutants.calls > mutants.maxCalls) throw new EndlessLoopError('The mutant does not end');
  if (seenAt[id] === 0) {
    seenAt[id] = 1;
    mutants.seen.add(id);
  }
  return id === mutants.active;
};

/** The ids asked for since the last call. */
export function takeSeen(): number[] {
  const seen = [...mutants.seen];
  for (const id of seen) seenAt[id] = 0;
  mutants.seen.clear();
  return seen;
}
