// Builds the packages for this machine, once before the tests of all of them.
import { buildPackages } from '../../packaging/build.ts';
import { HERE } from '../../packaging/node-releases.ts';
import { OUT_DIR } from './built.ts';

export default async function buildAll(): Promise<void> {
  // As a careful administrator builds: the packages are the same.
  const umask = process.umask(0o077);
  try {
    await buildPackages(OUT_DIR, [HERE]);
  } finally {
    process.umask(umask);
  }
}
