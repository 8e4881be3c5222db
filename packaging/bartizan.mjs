#!/usr/bin/env node
// Starts the program of a package. It is a file of its own, so that an old Node can read it, and so that what is
// compiled of the program can be cached.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const { node } = process.versions;
if (Number(node.split('.')[0]) < 24) {
  process.stderr.write(
    `bartizan: it needs Node 24 or 26, and this is Node ${node}; the tar.gz and the .deb bring their own\n`,
  );
  process.exit(1);
}
// A cache in a folder that others may write to could contain another program. If we may not write beside the program,
// there is no cache.
const umask = process.umask();
process.umask(umask | 0o022);
module.enableCompileCache(fileURLToPath(new URL('.cache', import.meta.url)));
process.umask(umask);
const { run } = await import(new URL('program.mjs', import.meta.url).href);
await run(process.argv);
