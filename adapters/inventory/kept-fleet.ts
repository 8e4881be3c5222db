import { parseCluster } from '../../core/config/cluster-entry.ts';
import { RetryableError } from '../../core/errors.ts';
import type { ClusterConfig, Config } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import type { Clock, Counters } from '../../core/ports.ts';
import { targetsOf } from './file.ts';
import { entriesSchema, keptKey } from './kept-entries.ts';

export interface KnownFleet<C> {
  config: C;
  /** Of these clusters; the same array as long as they are the same. */
  targets: readonly Target[];
}

/** State is not read more often, however many ask. */
const LEAST_AGE_MS = 20_000;

/**
 * The clusters of the file with those that sources have answered last, as `createFleet` has kept them. It asks no source, so
 * that who reads it needs no access to any. @throws RetryableError when a source was never read
 */
export function createKeptFleet<C extends Pick<Config, 'bastions' | 'clusters'>>(options: {
  config: C;
  /** Names of the sources, in order. */
  sources: readonly string[];
  kept: Pick<Counters, 'load'>;
  clock: Clock;
}): () => Promise<KnownFleet<C>> {
  const { config, sources, kept, clock } = options;
  let known: (KnownFleet<C> & { texts: string; readAtMs: number }) | undefined;

  async function read(): Promise<NonNullable<typeof known>> {
    const entries = await Promise.all(sources.map(readEntries));
    const texts = JSON.stringify(entries);
    const readAtMs = clock.nowMs();
    if (known?.texts === texts) return { ...known, readAtMs };
    const clusters = joinClusters(config, entries);
    return { config: { ...config, clusters }, targets: targetsOf(clusters), texts, readAtMs };
  }

  async function readEntries(source: string): Promise<Record<string, string>> {
    const { data } = entriesSchema.safeParse(await kept.load(keptKey(source)));
    if (data === undefined)
      throw new RetryableError(`the inventory ${source} was never read; the next round reads it`);
    return data;
  }

  return async () => {
    const ageMs = known ? clock.nowMs() - known.readAtMs : Infinity;
    const isFresh = sources.length === 0 ? known !== undefined : ageMs >= 0 && ageMs < LEAST_AGE_MS;
    if (!known || !isFresh) known = await read();
    return known;
  };
}

/** As `createFleet` joins them: of two clusters with one name the first counts, and an entry that is broken does not. */
function joinClusters(
  { bastions, clusters }: Pick<Config, 'bastions' | 'clusters'>,
  entries: readonly Record<string, string>[],
): ClusterConfig[] {
  const joined = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  for (const ofSource of entries)
    for (const id of Object.keys(ofSource).sort()) {
      const parsed = parseCluster(ofSource[id] ?? '', bastions);
      if ('cluster' in parsed && !joined.has(parsed.cluster.name))
        joined.set(parsed.cluster.name, parsed.cluster);
    }
  return [...joined.values()];
}
