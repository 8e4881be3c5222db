import type { Config } from '../config/types.ts';
import type { Batch, Target } from '../model.ts';
import { planRound } from '../plan/plan.ts';
import type { Inventory } from '../ports.ts';

/** The batches of a round, from the inventory as it is now, and its targets. */
export async function plan(
  request: { roundMs: number; config: Pick<Config, 'checks' | 'bastions'> },
  ports: { inventory: Inventory },
): Promise<{ batches: Batch[]; targets: readonly Target[] }> {
  const targets = await ports.inventory.list();
  const { checks, bastions } = request.config;
  return { batches: planRound({ roundMs: request.roundMs, checks, targets, bastions }), targets };
}
