// The states of a control plane in which kube-apiserver is asked without a credential: to record its answers, and to
// compare them later.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';
import { type Access, type Apiserver, startApiserver } from './apiserver.ts';
import type { Etcd } from './etcd.ts';
import type { Take } from './recorded.ts';

/** Without etcd kube-apiserver waits some seconds before it answers. */
const PATIENT = { withinMs: 60_000 };

const APISERVER_PATHS = {
  readyz: '/readyz',
  'readyz-verbose': '/readyz?verbose',
  'readyz-without-etcd': '/readyz?exclude=etcd&exclude=etcd-readiness',
  'readyz-etcd': '/readyz/etcd',
  livez: '/livez',
  'livez-verbose': '/livez?verbose',
  'livez-without-etcd': '/livez?exclude=etcd',
  'livez-verbose-without-etcd': '/livez?verbose&exclude=etcd',
  'livez-without-unknown': '/livez?verbose&exclude=nonsense',
  'readyz-without-many': '/readyz?exclude=ping&verbose=1&exclude=no&exclude=&exclude=nonsense&exclude=log',
  'livez-etcd': '/livez/etcd',
  'livez-unknown': '/livez/nonsense',
  healthz: '/healthz',
  'healthz-verbose': '/healthz?verbose',
  version: '/version',
  metrics: '/metrics',
  nodes: '/api/v1/nodes',
  unknown: '/nonsense',
} as const;

type PathName = keyof typeof APISERVER_PATHS;
const EVERY = Object.keys(APISERVER_PATHS) as PathName[];
/** The answer is the same for all paths, or names the path. */
const SOME = ['readyz', 'livez-verbose', 'version', 'metrics', 'nodes'] as const;

/** Whom the server answers without a credential, by the state's name. The last one is asked again after etcd died. */
const STATES: readonly { state: string; access: Access; names: readonly PathName[] }[] = [
  { state: 'unauthorized', access: 'unauthorized', names: SOME },
  { state: 'forbidden', access: 'forbidden', names: SOME },
  {
    state: 'readyz-alone',
    access: { paths: ['/readyz'] },
    names: [...SOME, 'readyz-verbose', 'readyz-etcd'],
  },
  { state: 'ok', access: 'open', names: EVERY },
];

/** @param program of the API server, with arguments that stand before its flags */
export async function playApiserver(
  startEtcd: () => Promise<Pick<Etcd, 'clientUrls' | 'stop'>>,
  program: readonly string[],
  take: Take,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-apiserver-'));
  const etcd = await startEtcd();
  try {
    for (const { state, access, names } of STATES) {
      const { clientUrls: etcdUrls } = etcd;
      const server = await startApiserver({ program, dir: join(dir, state), etcdUrls, access });
      try {
        await takeAnswers(state, names, server, take);
        if (access !== 'open') continue;
        await etcd.stop();
        for (const path of ['/readyz', '/livez'])
          await until(`${path} misses etcd`, async () => (await server.ask(path, PATIENT)).status === 500);
        await takeAnswers('etcd-dead', names, server, take);
      } finally {
        await server.stop();
      }
    }
  } finally {
    await etcd.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function takeAnswers(
  state: string,
  names: readonly PathName[],
  server: Apiserver,
  take: Take,
): Promise<void> {
  for (const name of names) {
    const path = APISERVER_PATHS[name];
    take(`apiserver/${state}/${name}`, { path, ...(await server.ask(path, PATIENT)) });
  }
}
