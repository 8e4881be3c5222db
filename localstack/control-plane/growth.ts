// A database that grows: values written at a rate until somebody stops it, or etcd refuses.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Growth {
  writtenBytes(): number;
  /** What etcd answered when it took no more; undefined: it took all. */
  refusal(): string | undefined;
  stop(): Promise<void>;
}

const VALUE_BYTES = 16 * 1024;
const EVERY_MS = 200;
/** All else passes: a member that is asked may be about to stop, or without a leader. */
const FULL = /database space exceeded/;

export function growDatabase(
  put: (key: string, value: string) => Promise<void>,
  bytesPerSecond: number,
): Growth {
  const value = 'x'.repeat(VALUE_BYTES);
  const stopping = new AbortController();
  let [written, refusal]: [number, string | undefined] = [0, undefined];

  async function write(): Promise<void> {
    const startMs = performance.now();
    while (!stopping.signal.aborted) {
      const due = (bytesPerSecond * (performance.now() - startMs)) / 1000;
      while (written + VALUE_BYTES <= due && !stopping.signal.aborted) {
        const error = await put(`/growth/${written}`, value).catch(String);
        if (typeof error !== 'string') written += VALUE_BYTES;
        else if (!FULL.test(error)) break;
        else {
          refusal = error;
          return;
        }
      }
      await sleep(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
  const writing = write();
  return {
    writtenBytes: () => written,
    refusal: () => refusal,
    async stop() {
      stopping.abort();
      await writing;
    },
  };
}
