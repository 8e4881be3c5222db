import type { ClusterConfig, Config } from '../../core/model/config.ts';
import { type AcceptedFleet, checkRemoval, removalText } from '../../core/plan/removal-guard.ts';
import type { Clock, Logger, Meter } from '../../core/ports.ts';

/** Entries of a source, by their id. */
export type Entries = Map<string, { text: string; cluster: ClusterConfig }>;

interface GuardOptions {
  config: Pick<Config, 'removal'>;
  isRemovalAllowed?: boolean;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** Keeps nodes in use that a source lacks all at once, until somebody allows that they go. */
export function createRemovalGuard({ config, isRemovalAllowed, clock, logger, meter }: GuardOptions) {
  let isAllowed = isRemovalAllowed ?? false;
  /** Why each source lacks nodes. */
  const refused = new Map<string, string>();

  return {
    /** Puts entries of before back into `entries` where too many nodes are missing. Returns the nodes in use. */
    complete(
      source: string,
      last: { entries: Entries; complete: boolean; accepted?: AcceptedFleet },
      entries: Entries,
    ): AcceptedFleet {
      const nodes = nodesOf(entries);
      const accepted =
        last.accepted ?? (last.complete ? { nodes: nodesOf(last.entries), gone: [] } : undefined);
      const verdict = checkRemoval({
        accepted,
        nodes,
        nowMs: clock.nowMs(),
        mostPercent: config.removal?.mostPercent,
        isAllowed,
      });
      if (verdict.kind === 'accepted') {
        refused.delete(source);
        meter.gauge('nodes_kept', 0, { source });
        return verdict.fleet;
      }
      const there = new Set(nodes);
      for (const [id, entry] of last.entries)
        if (namesIn(entry).some((node) => !there.has(node))) entries.set(id, entry);
      const kept = nodesOf(entries);
      const problem = removalText(verdict.refusal);
      if (!refused.has(source))
        logger.error('an inventory source lacks too many nodes; those that it lacks stay in use', {
          source,
          problem,
        });
      refused.set(source, problem);
      meter.count('removals_refused_total');
      meter.gauge('nodes_kept', kept.length - nodes.length, { source });
      return { nodes: kept, gone: accepted?.gone ?? [] };
    },
    /** The allowance is over when all sources were read once. Returns those that lack too many nodes. */
    endOfReading(): { source: string; problem: string }[] {
      isAllowed = false;
      return [...refused].map(([source, problem]) => ({ source, problem }));
    },
  };
}

function nodesOf(entries: Entries): string[] {
  return [...entries.values()].flatMap(namesIn);
}

function namesIn({ cluster }: { cluster: ClusterConfig }): string[] {
  return cluster.nodes.map(({ name }) => `${cluster.name}/${name}`);
}
