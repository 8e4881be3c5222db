// Compression without the thread pool: which thread is done first would decide the order of things, and a seed must
// replay exactly. Imported before what compresses.
import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

type Done = (error: Error | null, result: Buffer) => void;
const inTurn = (run: (bytes: Buffer) => Buffer) => (bytes: Buffer, done: Done) => {
  const result = run(bytes);
  queueMicrotask(() => done(null, result));
};

Object.assign(zlib, {
  gzip: inTurn((bytes) => zlib.gzipSync(bytes, { level: 1 })),
  gunzip: inTurn((bytes) => zlib.gunzipSync(bytes)),
});
syncBuiltinESMExports();
