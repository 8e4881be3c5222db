import type { Batch } from '../model/batch.ts';
import type { Config } from '../model/config.ts';
import type { Target } from '../model/target.ts';
import { planRound } from '../plan/plan.ts';
import type { Clock, Inventory } from '../ports.ts';

/**
 * The batches of a round, from the inventory as it is now, and its targets. `precisionMs`: how long after its scheduled
 * time the runner may start a round; one that is planned later still has its interval from then on.
 */
export async function plan(
  request: { roundMs: number; precisionMs?: number; config: Pick<Config, 'checks' | 'bastions'> },
  ports: { inventory: Inventory; clock: Clock },
): Promise<{ batches: Batch[]; targets: readonly Target[] }> {
  const targets = await ports.inventory.list();
  const { roundMs, precisionMs = 0, config } = request;
  const startsByMs = Math.max(roundMs + precisionMs, ports.clock.nowMs());
  const { checks, bastions } = config;
  return { batches: planRound({ roundMs, startsByMs, checks, targets, bastions }), targets };
}
