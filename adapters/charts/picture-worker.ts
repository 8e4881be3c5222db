// Entry of the drawing thread. Started by worker-thread.ts.
import { enableCompileCache } from 'node:module';
import { workerData } from 'node:worker_threads';
import type { WorkerSetting } from './worker-thread.ts';

const { path, compileCache } = workerData as WorkerSetting;
// A thread does not take over where its process keeps what is compiled; without it the start takes twice the CPU.
if (compileCache !== undefined) enableCompileCache(compileCache);
const { serve } = await import('./picture-program.ts');
await serve(path);
