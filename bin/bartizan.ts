#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Half of the start is reading the program. Kept beside it: a folder that others may write to could be made to hold
// another program. Where we may not write either, there is none.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/bartizan', import.meta.url)));
const { run } = await import('../cli/program.ts');
await run(process.argv);
