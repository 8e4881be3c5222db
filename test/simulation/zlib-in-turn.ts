// Compression without threads and without effect: which thread is done first would decide the order of things, and a
// seed must replay exactly; and compressing the same few incidents thousands of times would take a sixth of the run.
// Imported before what compresses.
import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

type Done = (error: Error | null, result: Buffer) => void;
const asItIs = (bytes: string | Uint8Array, done: Done) => {
  const result = Buffer.from(bytes as string);
  queueMicrotask(() => done(null, result));
};

Object.assign(zlib, { gzip: asItIs, gunzip: asItIs });
syncBuiltinESMExports();
