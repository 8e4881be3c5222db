// Loaded into the process that `soak.ts` watches: answers each message with the bytes in use after a collection, on the
// heap and outside of it as far as the collector knows.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('message', async () => {
    collect();
    // Finalizers run in between, and free more.
    await nextTurn();
    collect();
    const { heapUsed, external } = process.memoryUsage();
    process.send?.(heapUsed + external);
  });
  // Only the program itself may keep the process alive.
  process.channel?.unref();
}
