import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/usr/lib/postgresql';

/** The folder of Debian's newest PostgreSQL; its programs are on nobody's PATH. */
export function findPostgres(): string | undefined {
  if (!existsSync(ROOT)) return undefined;
  const [newest] = readdirSync(ROOT).sort((a, b) => Number(b) - Number(a));
  const bin = join(ROOT, newest ?? '', 'bin');
  return newest !== undefined && existsSync(join(bin, 'initdb')) ? bin : undefined;
}
