import { z } from 'zod';
import type { Reading } from '../../../core/parse/reading.ts';

/** Alerts on certificates begin here: docs/configuration.md has the default rules. */
const ALERTING_SECONDS = 30 * 86_400;
/** So many files of a node are kept for the next round. */
const MOST_FILES = 40;

const keptSchema = z.object({ alerting: z.array(z.string()) });
type Kept = z.output<typeof keptSchema>;

/**
 * Whether a file that alerts may be on was read before, and cannot be now: then it is unknown, and not gone.
 * @param before what an earlier round kept: from storage, so it may be anything
 */
export function trackClosedFiles(
  readings: readonly Reading[],
  closed: readonly string[],
  before: unknown,
): { isPartial: boolean; kept: Kept } {
  const known = keptSchema.safeParse(before).data?.alerting ?? [];
  // A name in a kubeconfig or in a folder goes on behind the path.
  const lost = known.filter((file) => closed.some((path) => file.startsWith(path)));
  const alerting = readings
    .filter(({ metric, value }) =>
      metric === 'cert_due' ? value < ALERTING_SECONDS : metric === 'cert_begins' && value > 0,
    )
    .flatMap(({ labels }) => labels.file ?? []);
  const files = [...new Set([...lost, ...alerting])].slice(0, MOST_FILES);
  return { isPartial: lost.length > 0, kept: { alerting: files } };
}
