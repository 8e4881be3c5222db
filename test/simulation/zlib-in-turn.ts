// Compression without threads and without effect. With threads the order of events would depend on which thread ends
// first, and a seed must replay exactly; compressing the same few incidents thousands of times would take a sixth of
// the run. Import it before the modules that compress.
import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

type Done = (error: Error | null, result: Buffer) => void;
const asItIs = (bytes: string | Uint8Array, done: Done) => {
  const result = Buffer.from(bytes as string);
  queueMicrotask(() => done(null, result));
};

Object.assign(zlib, { gzip: asItIs, gunzip: asItIs });
syncBuiltinESMExports();
