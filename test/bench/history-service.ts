// The history service in a process of its own, for measurements.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface HistoryService {
  url: string;
  /** What its process took so far. */
  usage(): Promise<{ cpuMs: number; peakMb: number }>;
  stop(): Promise<void>;
}

/** Over the embedded store in that folder. */
export async function startHistoryService(path: string): Promise<HistoryService> {
  const program = fileURLToPath(new URL('history-ours.ts', import.meta.url));
  const child: ChildProcess = fork(program, [path]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    url: `http://127.0.0.1:${port}`,
    async usage() {
      child.send('usage');
      const [usage] = await once(child, 'message');
      return usage;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
