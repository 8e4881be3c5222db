import { createFleet } from '../adapters/inventory/fleet.ts';
import { openSources } from '../adapters/inventory/registry.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Counters, Secrets } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { createMeter } from '../local/meter.ts';
import { loadConfig, secretsFor } from './config-file.ts';
import type { ConnectRow } from './connect-row.ts';

/** Invalid entries are returned, and not logged as well. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * The configuration of a file, with its clusters and those of its sources. Prints invalid entries on stderr and leaves
 * them out.
 * @throws ConfigError as `loadConfig`, and RetryableError when a source does not answer
 */
export async function loadFleet(file: string): Promise<Config> {
  const { config, problems } = await loadFleetAndProblems(file);
  for (const { source, entry, problem } of problems) {
    process.stderr.write(`left out: ${source}: ${entry}: ${problem}\n`);
  }
  return config;
}

/** The same, which prints nothing and returns the invalid entries. */
async function loadFleetAndProblems(file: string) {
  const { config } = await loadConfig(file);
  const { clusters, problems } = await join(config, config.inventory, secretsFor(file));
  return { config: { ...config, clusters }, problems };
}

/**
 * The nodes that a running `up` or deployment has: last entries of a source that does not answer, last good versions of
 * invalid ones, and nodes that may not go. `kept` is what it has stored of them; nothing is written.
 */
export async function runningFleet(file: string, config: Config, kept: Counters) {
  const reading = { load: (key: string) => kept.load(key), save: async () => {} };
  return await join(config, config.inventory, secretsFor(file), reading);
}

/** The same for `check --connect`: a source that cannot be read becomes a row, and does not affect the others. */
export async function checkInventory(
  config: Config,
  secrets: Secrets,
): Promise<{ config: Config; rows: ConnectRow[] }> {
  const rows: ConnectRow[] = [];
  const readable: Config['inventory'][number][] = [];
  for (const source of config.inventory) {
    const [{ name } = { name: source.type }] = openSources([source], { secrets, clock: systemClock });
    try {
      const { problems, clusters } = await join({ ...config, clusters: [] }, [source], secrets);
      readable.push(source);
      if (problems.length === 0) {
        rows.push({ kind: 'inventory', name, state: 'ok', detail: `clusters: ${clusters.length}` });
      }
    } catch (error) {
      const advice = 'correct the source, or our rights to read it';
      rows.push({ kind: 'inventory', name, state: 'failed', detail: describeError(error), advice });
    }
  }
  const { clusters, problems } = await join(config, readable, secrets);
  for (const { source, entry, problem } of problems) {
    const advice = 'correct the entry; `up` uses the last valid version, if it has one';
    rows.push({ kind: 'inventory', name: `${source}, ${entry}`, state: 'failed', detail: problem, advice });
  }
  return { config: { ...config, clusters }, rows };
}

async function join(config: Config, inventory: Config['inventory'], secrets: Secrets, kept?: Counters) {
  const ports = { clock: systemClock, logger: SILENT, meter: createMeter() };
  const fleet = createFleet({
    config,
    sources: openSources(inventory, { secrets, clock: systemClock }),
    ...ports,
    ...(kept && { kept }),
  });
  await fleet.list();
  return { clusters: fleet.config.clusters, problems: fleet.problems() };
}
