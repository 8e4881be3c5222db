import type { StateStore } from '../../core/ports.ts';
import type { ChainKeeper, ChainStart } from './open-chain.ts';

type State = Pick<StateStore, 'listAuditHeads' | 'counters'>;

/** Older new beginnings are forgotten: by then their chain has lost its first lines to retention, or somebody acted. */
const MOST_STARTS = 100;

/** What state keeps of a writer's chain: its newest head, and each new beginning. */
export function chainKeeper(state: State, writer: string): ChainKeeper {
  return {
    anchor: async () => (await state.listAuditHeads()).find((head) => head.writer === writer),
    async recordStart(start) {
      const starts = [...(await readStarts(state, writer)), start];
      await state.counters.save(keyOf(writer), starts.slice(-MOST_STARTS));
    },
    starts: () => readStarts(state, writer),
    removedThrough: () => readRemovedThrough(state, writer),
    async recordRemoval(last) {
      if (last > (await readRemovedThrough(state, writer)))
        await state.counters.save(removalKeyOf(writer), last);
    },
  };
}

/** Every new beginning of the writer's chain that state has, oldest first. */
export async function readStarts(state: Pick<State, 'counters'>, writer: string): Promise<ChainStart[]> {
  const kept = await state.counters.load(keyOf(writer));
  return Array.isArray(kept) ? kept : [];
}

/** The last line of the writer's chain that retention may have removed; 0 for none. */
export async function readRemovedThrough(state: Pick<State, 'counters'>, writer: string): Promise<number> {
  const kept = await state.counters.load(removalKeyOf(writer));
  return typeof kept === 'number' ? kept : 0;
}

/** The keys under which state has the records of a chain. */
export function chainKeys(writer: string): string[] {
  return [keyOf(writer), removalKeyOf(writer)];
}

function removalKeyOf(writer: string): string {
  return `audit-removed/${writer}`;
}

function keyOf(writer: string): string {
  return `audit-starts/${writer}`;
}
