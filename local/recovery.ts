import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASES, type DatabaseName, examineDatabase, moveAside } from '../adapters/sqlite/damage.ts';
import { explainOpening } from '../adapters/sqlite/errors.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';

/** A database that was put aside, and why. */
export interface SetAside {
  name: DatabaseName;
  detail: string;
}

/** About two seconds of reading. What is larger is left to `data check`; of state there is never so much. */
const MOST_BYTES = 2 * 1024 ** 3;
/** What was put aside and nobody has been told of: the start that did it may have come no further. */
const NOTE = 'set-aside.json';

interface CheckOptions {
  recover: boolean;
  /** Met by the process while it ran: damaged, whatever is found now. */
  met?: DatabaseName | undefined;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/**
 * Looks at the databases before they are opened, and with `recover` puts damaged ones aside. The caller holds the
 * folder's lock. Returns what was put aside since `forgetSetAside` was called last.
 * @throws ConfigError when one is damaged and is not to be put aside
 */
export function checkData(dir: string, options: CheckOptions): SetAside[] {
  const { recover, clock, logger, meter } = options;
  const aside = new Map(readNote(dir, logger).map((one) => [one.name, one]));
  for (const name of Object.keys(DATABASES) as DatabaseName[]) {
    const detail = damageOf(dir, name, options);
    if (detail === undefined) continue;
    if (!recover) {
      throw new ConfigError(
        `${join(dir, DATABASES[name])} is damaged (${detail}). Restore it from a backup, or begin with an empty one: ` +
          `\`bartizan up --recover\` puts it aside, goes on and says so in every channel; \`bartizan data move-aside ${name}\` ` +
          'puts it aside alone',
      );
    }
    aside.set(name, { name, detail });
    writeNote(dir, [...aside.values()]);
    const files = moveAside(dir, name, clock.nowMs());
    meter.count('databases_set_aside_total', { database: name });
    logger.error('a damaged database was put aside; it begins anew', {
      database: name,
      detail,
      files: files.join(', '),
    });
  }
  return [...aside.values()];
}

/** It is kept elsewhere that channels are to be told. */
export function forgetSetAside(dir: string): void {
  rmSync(join(dir, NOTE), { force: true });
}

function damageOf(dir: string, name: DatabaseName, { met, logger }: CheckOptions): string | undefined {
  const file = join(dir, DATABASES[name]);
  if (name === met && existsSync(file)) return 'damage was met while it was in use';
  if (name === 'samples' && sizeOf(file) > MOST_BYTES) {
    logger.info('samples are too many to be read at the start; `bartizan data check` reads them', { dir });
    return undefined;
  }
  const found = examineDatabase(dir, name);
  return found.state === 'damaged' ? found.detail : undefined;
}

function readNote(dir: string, logger: Logger): SetAside[] {
  const file = join(dir, NOTE);
  if (!existsSync(file)) return [];
  try {
    const noted = JSON.parse(readFileSync(file, 'utf8')) as SetAside[];
    return noted.filter(({ name }) => name in DATABASES);
  } catch (error) {
    logger.warn('what was put aside before cannot be read', { file, error: describeError(error) });
    return [];
  }
}

/** Before the database goes: a disk that is full keeps it where it is. */
function writeNote(dir: string, aside: readonly SetAside[]): void {
  const file = join(dir, NOTE);
  try {
    writeFileSync(`${file}.new`, JSON.stringify(aside), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw explainOpening(error, file);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
