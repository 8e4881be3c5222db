// What `npm run packages` builds and tests.
import { join } from 'node:path';
import { ROOT } from '../../lib/bundle.ts';
import manifest from '../../package.json' with { type: 'json' };
import { HERE } from '../../packaging/node-releases.ts';

export const OUT_DIR = join(ROOT, 'dist');
export const VERSION = manifest.version;

export const built = {
  archive: join(OUT_DIR, `bartizan-${VERSION}-linux-${HERE}.tar.gz`),
  deb: join(OUT_DIR, `bartizan_${VERSION}_${HERE === 'x64' ? 'amd64' : 'arm64'}.deb`),
  tarball: join(OUT_DIR, `bartizan-${VERSION}.tgz`),
};
