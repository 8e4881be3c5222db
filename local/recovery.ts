import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASES, type DatabaseName, examineDatabase, moveAside } from '../adapters/sqlite/damage.ts';
import { ConfigError } from '../core/errors.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';

/** A database that was put aside, and under what names. */
export interface SetAside {
  name: DatabaseName;
  detail: string;
  files: readonly string[];
}

/** About two seconds of reading. What is larger is left to `data check`; of state there is never so much. */
const MOST_BYTES = 2 * 1024 ** 3;

/**
 * Looks at the databases before they are opened, and with `recover` puts damaged ones aside. The caller holds the
 * folder's lock. @throws ConfigError when one is damaged and is not to be put aside
 */
export function checkData(
  dir: string,
  options: { recover: boolean; clock: Clock; logger: Logger; meter: Meter },
): SetAside[] {
  const { recover, clock, logger, meter } = options;
  const aside: SetAside[] = [];
  for (const name of Object.keys(DATABASES) as DatabaseName[]) {
    if (name === 'samples' && sizeOf(join(dir, DATABASES[name])) > MOST_BYTES) {
      logger.info('samples are too many to be read at the start; `bartizan data check` reads them', { dir });
      continue;
    }
    const found = examineDatabase(dir, name);
    if (found.state !== 'damaged') continue;
    if (!recover) {
      throw new ConfigError(
        `${join(dir, DATABASES[name])} is damaged (${found.detail}). Restore it from a backup, or begin with an empty one: ` +
          `\`bartizan up --recover\` puts it aside, goes on and says so in every channel; \`bartizan data move-aside ${name}\` ` +
          'puts it aside alone',
      );
    }
    const files = moveAside(dir, name, clock.nowMs());
    meter.count('databases_set_aside_total', { database: name });
    logger.error('a damaged database was put aside; it begins anew', {
      database: name,
      detail: found.detail,
      files: files.join(', '),
    });
    aside.push({ name, detail: found.detail, files });
  }
  return aside;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
