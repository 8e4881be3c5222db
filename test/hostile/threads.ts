import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export type ThreadRole = 'bastion' | 'healthy' | 'hostile';

export interface ThreadOrder {
  role: ThreadRole;
  /** `type base64` of the key that logs in. */
  accepts: string;
  names: readonly string[];
}

export type Hosts = Map<string, { host: string; port: number; hostKey: string }>;

/** Starts a thread with servers of the fleet, which end with the thread. */
export async function startThread(order: ThreadOrder): Promise<{ hosts: Hosts; close(): Promise<unknown> }> {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: order, execArgv: [] });
  const [hosts] = await once(worker, 'message');
  return { hosts: new Map(hosts), close: () => worker.terminate() };
}
