// One check of a service behind the bastion, round after round.
import { batchOf } from './prober-fixture.ts';
import { setupProber } from './prober-fleet.ts';
import { foundBy, notesOf, serviceNode } from './services.ts';

const MINUTE = 60_000;

/** @returns `round`, which observes a node without SSH some minutes after the round before */
export async function setupServiceCheck(
  probe: string,
  options: Record<string, unknown>,
  fixture: Parameters<typeof setupProber>[1] & {
    nodeHost?: string;
    everyMs?: number;
    deadlineMs?: number;
    /** Of rounds, as it shortens deadlines. Default: they are not shortened. */
    intervalMs?: number;
  } = {},
) {
  const { nodeHost, everyMs = MINUTE, deadlineMs = 500, intervalMs, ...rest } = fixture;
  const checks = [{ name: 'service', probe, options, everyMs }];
  const deadlines = { handshakeMs: deadlineMs, execMs: deadlineMs };
  const { prober, audit, counts, counters, log } = await setupProber({ deadlines }, { checks, ...rest });
  const target = serviceNode(nodeHost);
  let roundMs = 100 * MINUTE;
  return {
    audit,
    counts,
    counters,
    log,
    async round(minutes = 1) {
      roundMs += minutes * MINUTE;
      const changes = { checks: ['service'], roundMs, ...(intervalMs !== undefined && { intervalMs }) };
      const { observations } = await prober.probe(batchOf([target], changes));
      const result = observations.find(({ check }) => check === 'service')?.result;
      const isPartial = result?.ok === true && result.isPartial === true;
      return { found: foundBy(observations, 'service'), notes: notesOf(observations, 'service'), isPartial };
    },
  };
}

/** Lines of durations without their value, which no test knows. */
export function withoutDurations(found: readonly string[]): string[] {
  return found.map((line) => line.replace(/^(\w*duration\S*) .*/, '$1'));
}
