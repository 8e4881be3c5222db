// An etcd check on a fake node, which forwards to a service of the test.
import type { Observation } from '../core/model/observation.ts';
import { readRecorded } from './kube/recorded.ts';
import { batchOf, targetOf } from './prober-fixture.ts';
import { healthyNode, setupProber } from './prober-fleet.ts';
import { foundBy, notesOf, serveHttp } from './services.ts';
import type { FakeNode } from './ssh-fleet.ts';

export const MINUTE = 60_000;

export interface Scene {
  metrics: string;
  health: string;
  status: number;
}

export const sceneOf = (state: string): Scene => {
  const { body: health, status } = readRecorded(`etcd/${state}/health`);
  return { metrics: readRecorded(`etcd/${state}/metrics`).body, health, status };
};

/** A member that shows what the scene says, which the test may change. */
export async function serveScene(scene: Scene) {
  return serveHttp((request, response) => {
    if (request.url === '/metrics')
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(scene.metrics);
    else if (request.url === '/health') response.writeHead(scene.status).end(scene.health);
    else response.writeHead(404).end('404 page not found\n');
  });
}

/** A prober with one etcd check on the node, beside `usage`. */
export async function setupEtcdCheck(
  options: Record<string, unknown>,
  { node, keys = {}, execMs = 300 }: { node?: FakeNode; keys?: Record<string, string>; execMs?: number } = {},
) {
  const host = node ?? (await healthyNode());
  const fixture = await setupProber(
    { deadlines: { execMs } },
    { checks: [{ name: 'etcd', probe: 'etcd', options }], keys, sessions: { renewMs: 1_000 * MINUTE } },
  );
  let roundMs = 1_000 * MINUTE;
  const round = async (checks: readonly string[] = ['usage', 'etcd']) => {
    roundMs += MINUTE;
    const { observations } = await fixture.prober.probe(batchOf([targetOf('n', host)], { roundMs, checks }));
    return observations;
  };
  return { ...fixture, round, node: host };
}

export const foundByEtcd = (observations: readonly Observation[]) => foundBy(observations, 'etcd');
export const notesOfEtcd = (observations: readonly Observation[]) => notesOf(observations, 'etcd');
export const valueIn = (observations: readonly Observation[], metric: string) => {
  const line = foundByEtcd(observations).find((one) => one.startsWith(`${metric} `));
  return line === undefined ? undefined : Number(line.slice(metric.length + 1));
};
