import type { TargetStatus } from '../../core/model/target-status.ts';

/**
 * The status of each target and check in its newest round, the last one where there are several. They come in one order, so that
 * they pack well, and two writers of rows do not wait for each other.
 */
export function newestStatuses(statuses: readonly TargetStatus[]): TargetStatus[] {
  const newest = new Map<string, TargetStatus>();
  for (const status of statuses) {
    const key = `${status.cluster}\n${status.node}\n${status.check}`;
    if (status.roundMs >= (newest.get(key)?.roundMs ?? -Infinity)) newest.set(key, status);
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, status]) => status);
}
