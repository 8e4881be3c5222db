import type { Problem } from '../core/config/problem.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { describeOrphans, findOrphans } from '../core/notify/orphans.ts';
import { hasState, isForAws, isStateShared, openStateToRead, withState } from './state-access.ts';

/** Warns of open incidents in state whose channel or route is no longer in the file. */
export async function checkState(file: string, config: Config): Promise<Problem[]> {
  try {
    // `check` alone asks no server.
    if (isForAws(config) || isStateShared(config) || !hasState(config, undefined)) return [];
    const open = await withState(await openStateToRead(config, undefined, file), (state) =>
      state.openIncidents(),
    );
    const orphans = findOrphans(
      open.map(({ value }) => value),
      config,
    );
    const suggestion = 'expected after a change; else put the channel or route back under its name';
    return describeOrphans(orphans).map((message) => warning(file, message, suggestion));
  } catch (error) {
    return [warning(file, `which incidents are open is unknown: ${describeError(error)}`)];
  }
}

function warning(file: string, message: string, suggestion?: string): Problem {
  return {
    severity: 'warning',
    file,
    line: 1,
    column: 1,
    path: '',
    message,
    ...(suggestion && { suggestion }),
  };
}
