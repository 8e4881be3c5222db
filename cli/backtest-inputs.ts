// What the commands read that ask history about rules: nodes, silences, and the range of time.

import { targetsOf } from '../adapters/inventory/file.ts';
import { ConfigError } from '../core/errors.ts';
import { formatDateTime } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { StoredSilence } from '../core/model/silence.ts';
import type { Target } from '../core/model/target.ts';
import { runningFleet } from './fleet-config.ts';
import { hasState, openStateToRead, type StateOptions, stateTable, withState } from './state-access.ts';

export interface RangeOptions {
  from?: number;
  to?: number;
  last: number;
}

/** @throws ConfigError where there is no time between the two */
export function rangeOf({ from, to, last }: RangeOptions, nowMs: number, timeZone: string) {
  const toMs = Math.min(nowMs, to ?? nowMs);
  const fromMs = from ?? toMs - last;
  if (fromMs < toMs) return { fromMs, toMs };
  const [first, end] = [fromMs, toMs].map((ms) => formatDateTime(ms, timeZone));
  throw new ConfigError(`the range begins at ${first}, which is not before its end at ${end}`);
}

/** Nodes and silences as a running `up` has them; without a state those of the configuration alone. */
export async function readFleetAndSilences(
  file: string,
  config: Config,
  options: StateOptions,
  fromMs: number,
): Promise<{ targets: Target[]; silences: StoredSilence[] }> {
  const table = await stateTable(config, options);
  if (!hasState(config, table)) {
    const { clusters } = await runningFleet(file, config, {
      load: async () => undefined,
      save: async () => {},
    });
    return { targets: targetsOf(clusters), silences: [] };
  }
  return await withState(await openStateToRead(config, table, file), async (state) => {
    const { clusters } = await runningFleet(file, config, state.counters);
    return { targets: targetsOf(clusters), silences: await state.listSilences({ endedAfterMs: fromMs }) };
  });
}
