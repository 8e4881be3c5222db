import { z } from 'zod';
import { parseCluster } from '../../core/config/cluster-entry.ts';
import { describeError } from '../../core/errors.ts';
import type { ClusterConfig, Config } from '../../core/model/config.ts';
import type { AcceptedFleet } from '../../core/plan/removal-guard.ts';
import type { Clock, Counters, Inventory, Logger, Meter } from '../../core/ports.ts';
import { targetsOf } from './file.ts';
import type { ClusterSource, SourceEntry } from './inventory-adapter.ts';
import { entriesSchema, keptKey } from './kept-entries.ts';
import { createRemovalGuard, type Entries } from './source-removals.ts';

export interface Fleet<C extends FleetConfig = Config> extends Required<Inventory> {
  /** The configuration. `clusters` are those of the last listing: first those of the file, then those of sources. */
  config: C;
  /** Problems with entries of sources, as of the last listing. */
  problems(): readonly { source: string; entry: string; problem: string }[];
}

type FleetConfig = Pick<Config, 'bastions' | 'clusters' | 'removal'>;

export interface FleetOptions<C extends FleetConfig> {
  config: C;
  sources: readonly ClusterSource[];
  /** Keeps the last good entries over a restart. */
  kept?: Counters;
  /** @throws an error if the cluster cannot be used, for example for a missing key */
  checkCluster?: (cluster: ClusterConfig) => Promise<void>;
  /** The first reading may lack as many nodes as it likes: somebody has allowed it. */
  isRemovalAllowed?: boolean;
  /** Ends the wait for slow sources, whose last entries are in use then. The first reading, and any without it, waits for all. */
  patience?: () => Promise<unknown>;
  /** Takes the sources that lack too many nodes, at each reading; none clears what was reported. */
  onRefusedRemovals?: (refused: readonly { source: string; problem: string }[]) => void;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/** State knows of an answer at most this much later. */
const STORE_ANSWER_EVERY_MS = 5 * 60_000;

/** Sources are not read more often, however short the rounds are. */
const LEAST_AGE_MS = 20_000;

interface Known {
  entries: Entries;
  /** Whether the source was ever read, by this process or an earlier one. */
  complete: boolean;
  /** When it last answered this process, or an earlier one; and the last time of these that state has. */
  answeredAtMs?: number;
  storedAnswerMs?: number;
  /** Its nodes, and those that went lately. Absent: as the entries say. */
  accepted?: AcceptedFleet;
}

/**
 * Joins the clusters of the file with those of sources. Reports and counts a broken entry, and keeps its last good version;
 * keeps all entries of a source that does not answer, and those that a reading with far too few nodes lacks. A source that was
 * never read fails the round: without its nodes, their alerts would resolve like those of removed nodes.
 */
export function createFleet<C extends FleetConfig>(options: FleetOptions<C>): Fleet<C> {
  const { config, sources, kept, checkCluster, clock, logger, meter } = options;
  const known = new Map<ClusterSource, Known>();
  let clusters: readonly ClusterConfig[] = config.clusters;
  let problems: { source: string; entry: string; problem: string }[] = [];
  let listedAtMs = Number.NEGATIVE_INFINITY;
  let listing: Promise<void> | undefined;
  const guard = createRemovalGuard(options);

  const keyOf = ({ name }: ClusterSource) => keptKey(name);
  const answerKeyOf = (source: ClusterSource) => `inventory-answer ${source.name}`;

  /** Loads the entries of an earlier process. Parses them again, since a bastion may have been removed. */
  async function recall(source: ClusterSource): Promise<Known> {
    const texts = entriesSchema.safeParse(await kept?.load(keyOf(source))).data;
    const entries: Entries = new Map();
    for (const [id, text] of Object.entries(texts ?? {})) {
      const parsed = parseCluster(text, config.bastions);
      if ('cluster' in parsed) entries.set(id, { text, cluster: parsed.cluster });
    }
    const storedAnswerMs = z.number().safeParse(await kept?.load(answerKeyOf(source))).data;
    return {
      entries,
      complete: texts !== undefined,
      ...(storedAnswerMs !== undefined && { answeredAtMs: storedAnswerMs, storedAnswerMs }),
    };
  }

  async function validate(
    { id, text }: SourceEntry,
    last: Known,
  ): Promise<{ cluster: ClusterConfig } | { problem: string }> {
    const before = last.entries.get(id);
    if (before?.text === text) return { cluster: before.cluster };
    const parsed = parseCluster(text, config.bastions);
    if ('problem' in parsed) return parsed;
    try {
      await checkCluster?.(parsed.cluster);
      return parsed;
    } catch (error) {
      return { problem: describeError(error) };
    }
  }

  async function read(
    source: ClusterSource,
    addProblem: (entry: string, problem: string) => void,
  ): Promise<Known> {
    const last = known.get(source) ?? (await recall(source));
    let listed: SourceEntry[];
    try {
      listed = await source.list();
    } catch (error) {
      meter.count('inventory_reads_failed_total', { source: source.name });
      if (!last.complete) throw error;
      logger.error('an inventory source cannot be read; its last entries stay in use', {
        source: source.name,
        error: describeError(error),
        ...(last.answeredAtMs !== undefined && { answered: new Date(last.answeredAtMs).toISOString() }),
      });
      return last;
    }
    const entries: Entries = new Map();
    for (const entry of listed) {
      if (entries.has(entry.id)) {
        addProblem(entry.id, 'the source has it twice, and only the first is used; give each its own name');
        continue;
      }
      const validated = await validate(entry, last);
      const before = last.entries.get(entry.id);
      if ('cluster' in validated) entries.set(entry.id, { text: entry.text, cluster: validated.cluster });
      else {
        addProblem(entry.id, validated.problem);
        if (before) entries.set(entry.id, before);
      }
    }
    const now = {
      entries,
      complete: true,
      answeredAtMs: clock.nowMs(),
      accepted: guard.complete(source.name, last, entries),
    };
    if (!last.complete || textsOf(now) !== textsOf(last)) await keep(source, now);
    return { ...now, ...(await keepAnswer(source, now.answeredAtMs, last)) };
  }

  /** Stores now and then that the source answered. */
  async function keepAnswer(
    source: ClusterSource,
    nowMs: number,
    { storedAnswerMs }: Known,
  ): Promise<Pick<Known, 'storedAnswerMs'>> {
    const isRecent = storedAnswerMs !== undefined && Math.abs(nowMs - storedAnswerMs) < STORE_ANSWER_EVERY_MS;
    if (isRecent) return { storedAnswerMs };
    try {
      await kept?.save(answerKeyOf(source), nowMs);
      return { storedAnswerMs: nowMs };
    } catch (error) {
      logger.warn('the time of an answer of the inventory could not be stored', {
        error: describeError(error),
      });
      return storedAnswerMs === undefined ? {} : { storedAnswerMs };
    }
  }

  async function keep(source: ClusterSource, now: Known): Promise<void> {
    try {
      await kept?.save(keyOf(source), JSON.parse(textsOf(now)));
    } catch (error) {
      logger.warn('the inventory could not be stored for the next start', { error: describeError(error) });
    }
  }

  async function refresh(): Promise<void> {
    const found: typeof problems = [];
    const joined = new Map(config.clusters.map((cluster) => [cluster.name, { cluster, of: 'the file' }]));
    for (const source of sources) {
      const addProblem = (entry: string, problem: string) =>
        found.push({ source: source.name, entry, problem });
      const now = await read(source, addProblem);
      known.set(source, now);
      for (const [id, { cluster }] of [...now.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const first = joined.get(cluster.name);
        if (first)
          addProblem(
            id,
            `there is a cluster \`${cluster.name}\` already, in ${first.of}; rename one of them`,
          );
        else joined.set(cluster.name, { cluster, of: `${source.name}, ${id}` });
      }
      const broken = found.filter((one) => one.source === source.name).length;
      if (now.answeredAtMs !== undefined) {
        const ageS = Math.max(0, clock.nowMs() - now.answeredAtMs) / 1000;
        meter.gauge('inventory_answer_age_seconds', ageS, { source: source.name });
      }
      meter.gauge('inventory_entries', now.entries.size, { source: source.name });
      meter.gauge('inventory_entries_broken', broken, { source: source.name });
    }
    const refused = guard.endOfReading();
    options.onRefusedRemovals?.(refused);
    report(found);
    clusters = [...joined.values()].map(({ cluster }) => cluster);
    listedAtMs = clock.nowMs();
  }

  /** Logs each problem once, while it lasts. */
  function report(found: typeof problems): void {
    const text = (one: (typeof problems)[number]) => JSON.stringify(one);
    const before = new Set(problems.map(text));
    for (const one of found.filter((candidate) => !before.has(text(candidate)))) {
      meter.count('inventory_entries_broken_total', { source: one.source });
      logger.error('an inventory entry is broken; its last good version stays in use, if there was one', one);
    }
    problems = found;
  }

  const live = Object.defineProperty({ ...config }, 'clusters', { get: () => clusters, enumerable: true });
  return {
    config: live,
    problems: () => problems,
    answers: () =>
      [...known].flatMap(([{ name }, { answeredAtMs }]) =>
        answeredAtMs === undefined ? [] : [{ source: name, answeredAtMs }],
      ),
    async list() {
      // What sources of a former configuration lacked does not matter any more.
      if (sources.length === 0) options.onRefusedRemovals?.([]);
      else if (clock.nowMs() - listedAtMs >= LEAST_AGE_MS) {
        listing ??= refresh().finally(() => {
          listing = undefined;
        });
        const isFirst = listedAtMs === Number.NEGATIVE_INFINITY;
        await (isFirst || !options.patience ? listing : Promise.race([listing, options.patience()]));
      }
      return targetsOf(clusters);
    },
  };
}

function textsOf({ entries }: Pick<Known, 'entries'>): string {
  return JSON.stringify(Object.fromEntries([...entries].map(([id, { text }]) => [id, text])));
}
