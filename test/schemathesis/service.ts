// The history service over a real port, with a fleet that has samples, alerts, messages and silences: for tests by programs.

import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/model/config.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Target } from '../../core/model/target.ts';
import { createApiRoutes } from '../../history/api/routes.ts';
import { silenceOf } from '../contract/state-silences.ts';
import { createHistoryFixture } from '../history-fixture.ts';
import { createStageFixture, fire, MINUTE, memory, START } from '../stage-fixture.ts';

const DAY = 86_400_000;
const TOKEN = 'bzt_test';

export interface ServedApi {
  url: string;
  /** Of an administrator; others are refused. */
  token: string;
  stop(): Promise<void>;
}

export async function serveApi(): Promise<ServedApi> {
  const dir = await mkdtemp(join(tmpdir(), 'bartizan-served-'));
  const store = openSqliteStore({ path: dir });
  const stage = createStageFixture({
    rules: [memory, { ...memory, name: 'memory-slow', forMs: 60 * MINUTE }],
  });
  const targets = ['n1', 'n2'].map(
    (node): Target => ({
      cluster: 'prod',
      node,
      role: 'etcd',
      host: 'h',
      port: 22,
      user: 'u',
      bastion: 'b',
      hostKeys: [],
    }),
  );
  await store.write(targets.flatMap(({ cluster, node, role }) => samplesOf({ cluster, node, role })));
  await stage.state.putSilence(silenceOf('s1', START + DAY));
  await fire(stage);
  await stage.notify();
  const config = {
    ...stage.config,
    store: { type: 'sqlite', path: dir, retentionMs: 14 * DAY, rollUpRetentionMs: 400 * DAY, options: {} },
  } as unknown as Config;
  const { clock } = stage.time;
  const draw = async () => ({ png: new Uint8Array([137, 80, 78, 71]), width: 1, height: 1, alt: '' });
  const { app } = createHistoryFixture({
    ...{ routes: [createApiRoutes()], state: stage.state, store, config, targets, clock },
    ports: { draw },
    token: TOKEN,
  });
  const server = serve({ fetch: (request) => app.fetch(request, {}), hostname: '127.0.0.1', port: 0 });
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    token: TOKEN,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

function samplesOf(labels: Sample['labels']): Sample[] {
  return Array.from({ length: 60 }, (_, i) => {
    return { metric: 'mem_usage', labels, timeMs: START - (59 - i) * MINUTE, value: (i * 7) % 100 };
  });
}
