#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// A reload that somebody asks for while `up` is loaded must not end it; the file is read later anyway.
if (process.argv[2] === 'up') process.on('SIGHUP', () => {});

// Half of the start is compilation, so the compiled code is cached beside the program. A cache in a folder that others
// may write to could contain another program. If we may not write there either, there is no cache.
const umask = process.umask();
process.umask(umask | 0o022);
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/bartizan', import.meta.url)));
process.umask(umask);
const { run } = await import('../cli/program.ts');
await run(process.argv);
