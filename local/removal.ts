import { z } from 'zod';
import { nodeName } from '../core/config/config-changes.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import {
  type AcceptedFleet,
  checkRemoval,
  type RemovalVerdict,
  removalText,
} from '../core/plan/removal-guard.ts';
import type { Clock, Counters, Logger } from '../core/ports.ts';

/** State keeps the fleet that was accepted last, so that a start notices what a file has lost meanwhile. */
const KEY = 'fleet/accepted';
const acceptedSchema = z.object({
  nodes: z.array(z.string()),
  gone: z.array(z.object({ name: z.string(), atMs: z.number() })),
});

/** Nodes that shall be in force. */
interface Proposal {
  targets: readonly Target[];
  config: Pick<Config, 'removal'>;
  isAllowed: boolean;
  /** What to do where many of them shall go. */
  advice: string;
}

export interface RemovalGuard {
  /** Why too many nodes would go; undefined when they may. */
  refusal(proposal: Proposal): Promise<string | undefined>;
  /** The proposal is in force, unless it is refused. */
  accept(proposal: Proposal): Promise<void>;
  /**
   * The nodes of a round, which its sources have checked. @throws ConfigError when nothing was accepted since the start, because a
   * source did not answer then, and too many nodes would go
   */
  remember(proposal: Omit<Proposal, 'advice'>): Promise<void>;
}

export const AT_START = 'If they shall go, start with `up --allow-removal` once';

export function createRemovalGuard({
  counters,
  clock,
  logger,
}: {
  counters: Counters;
  clock: Clock;
  logger: Logger;
}): RemovalGuard {
  let known: AcceptedFleet | undefined;
  let isStartChecked = false;

  const load = async () => (known ??= acceptedSchema.safeParse(await counters.load(KEY)).data);

  async function save(fleet: AcceptedFleet): Promise<void> {
    known = fleet;
    try {
      await counters.save(KEY, fleet);
    } catch (error) {
      logger.warn('the nodes in force could not be stored for the next start', {
        error: describeError(error),
      });
    }
  }

  async function verdictOn({ targets, config, isAllowed }: Proposal): Promise<RemovalVerdict> {
    return checkRemoval({
      accepted: await load(),
      nodes: targets.map(nodeName),
      nowMs: clock.nowMs(),
      mostPercent: config.removal?.mostPercent,
      isAllowed,
    });
  }

  async function refusal(proposal: Proposal): Promise<string | undefined> {
    const verdict = await verdictOn(proposal);
    return verdict.kind === 'accepted'
      ? undefined
      : `${removalText(verdict.refusal)}. Their alerts would end as removed. ${proposal.advice}, or raise \`removal.mostPercent\``;
  }

  return {
    refusal,
    async accept(proposal) {
      const verdict = await verdictOn(proposal);
      if (verdict.kind === 'refused') return;
      isStartChecked = true;
      await save(verdict.fleet);
    },
    async remember(proposal) {
      const { targets } = proposal;
      if (!isStartChecked) {
        const why = await refusal({ ...proposal, advice: AT_START });
        if (why !== undefined) throw new ConfigError(why);
        isStartChecked = true;
      }
      const nodes = targets.map(nodeName);
      const accepted = await load();
      if (accepted && nodes.length === accepted.nodes.length) {
        if (nodes.every((name, i) => name === accepted.nodes[i])) return;
      }
      const verdict = checkRemoval({ accepted, nodes, nowMs: clock.nowMs(), mostPercent: 100 });
      await save(verdict.kind === 'accepted' ? verdict.fleet : { nodes, gone: [] });
    },
  };
}
