// Servers of the fleet in their own thread, so that their work does not block the event loop under test.
import { parentPort, workerData } from 'node:worker_threads';
import { healthy } from '../node-behaviour.ts';
import { startFakeBastion, startFakeNode } from '../ssh-fleet.ts';
import { HOSTILE } from './kinds.ts';
import type { ThreadOrder, ThreadRole } from './threads.ts';

type Named = [name: string, host: { host: string; port: number; hostKey: string }];

const { role, accepts, names } = workerData as ThreadOrder;

const START: Record<ThreadRole, () => Promise<Named>[]> = {
  bastion: () => [startFakeBastion({ accepts }).then((host): Named => ['bastion', host])],
  healthy: () => names.map(async (name): Promise<Named> => [name, await startFakeNode(healthy, { accepts })]),
  hostile: () =>
    names.map(async (name): Promise<Named> => {
      const start = HOSTILE[name];
      if (!start) throw new Error(`no kind is called ${name}`);
      return [name, await start(accepts)];
    }),
};

const hosts = await Promise.all(START[role]());
parentPort?.postMessage(hosts.map(([name, { host, port, hostKey }]) => [name, { host, port, hostKey }]));
