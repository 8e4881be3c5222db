// What `npm run packages` builds and tests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../lib/bundle.ts';

export const OUT_DIR = join(ROOT, 'dist');
export const HERE = process.arch === 'arm64' ? 'arm64' : 'x64';
export const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};

export const built = {
  archive: join(OUT_DIR, `bartizan-${VERSION}-linux-${HERE}.tar.gz`),
  deb: join(OUT_DIR, `bartizan_${VERSION}_${HERE === 'x64' ? 'amd64' : 'arm64'}.deb`),
  tarball: join(OUT_DIR, `bartizan-${VERSION}.tgz`),
};
