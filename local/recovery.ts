import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explainOpening } from '../adapters/sqlite/errors.ts';
import { checkIntegrity, DATABASES, type DatabaseName, moveAside } from '../adapters/sqlite/integrity.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Clock, Logger, Meter } from '../core/ports.ts';

/** A database that was put aside, and why. */
export interface SetAside {
  name: DatabaseName;
  detail: string;
}

/** About two seconds of reading. `data check` checks larger files; state never grows that large. */
const MOST_BYTES = 2 * 1024 ** 3;
/**
 * The file with the names of databases that were put aside without a notice so far, because the start that did so may
 * have ended before.
 */
const NOTE = 'set-aside.json';

interface CheckOptions {
  recover: boolean;
  /** The database whose damage the process met while it ran: it is damaged even if the check finds nothing. */
  met?: DatabaseName | undefined;
  clock: Clock;
  logger: Logger;
  meter: Meter;
}

/**
 * Checks the databases before they are opened, and with `recover` puts damaged ones aside. The caller has the lock of
 * the folder. Returns the databases that were put aside since the last `forgetSetAside`. @throws ConfigError when one
 * is damaged and may not be put aside
 */
export function checkData(dir: string, options: CheckOptions): SetAside[] {
  const { recover, clock, logger, meter } = options;
  const aside = new Map(readNote(dir, logger).map((one) => [one.name, one]));
  for (const name of Object.keys(DATABASES) as DatabaseName[]) {
    const detail = corruptionOf(dir, name, options);
    if (detail === undefined) continue;
    if (!recover) {
      throw new ConfigError(
        `${join(dir, DATABASES[name])} is damaged (${detail}). Restore it from a backup, or start with an empty one: ` +
          `\`bartizan up --recover\` puts it aside, continues and sends a notice to every channel; \`bartizan data move-aside ${name}\` ` +
          'puts it aside alone',
      );
    }
    aside.set(name, { name, detail });
    writeNote(dir, [...aside.values()]);
    const files = moveAside(dir, name, clock.nowMs());
    meter.count('databases_set_aside_total', { database: name });
    logger.error('a damaged database was put aside; an empty one replaces it', {
      database: name,
      detail,
      files: files.join(', '),
    });
  }
  return [...aside.values()];
}

/** State has the notice for channels now. */
export function forgetSetAside(dir: string): void {
  rmSync(join(dir, NOTE), { force: true });
}

function corruptionOf(dir: string, name: DatabaseName, { met, logger }: CheckOptions): string | undefined {
  const file = join(dir, DATABASES[name]);
  if (name === met && existsSync(file)) return 'damage was met while it was in use';
  if (name === 'samples' && sizeOf(file) > MOST_BYTES) {
    logger.info('samples.db is too large to check at the start; `bartizan data check` checks it', { dir });
    return undefined;
  }
  const found = checkIntegrity(dir, name);
  return found.state === 'damaged' ? found.detail : undefined;
}

function readNote(dir: string, logger: Logger): SetAside[] {
  const file = join(dir, NOTE);
  if (!existsSync(file)) return [];
  try {
    const noted = JSON.parse(readFileSync(file, 'utf8')) as SetAside[];
    return noted.filter(({ name }) => name in DATABASES);
  } catch (error) {
    logger.warn('the note of databases that were put aside cannot be read', {
      file,
      error: describeError(error),
    });
    return [];
  }
}

/** Before the database is moved: on a full disk it stays. */
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
