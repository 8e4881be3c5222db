import type { Problem } from '../core/config/problem.ts';
import type { Config } from '../core/config/types.ts';
import { describeError } from '../core/errors.ts';
import { describeOrphans, findOrphans } from '../core/notify/orphans.ts';
import { hasState, openStateToRead, withState } from './state-access.ts';

/** What the state beside a configuration says of it: open incidents of channels and routes that are gone from the file. */
export async function checkState(file: string, config: Config): Promise<Problem[]> {
  if (!hasState(config, undefined)) return [];
  try {
    const open = await withState(await openStateToRead(config, undefined), (state) => state.openIncidents());
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
