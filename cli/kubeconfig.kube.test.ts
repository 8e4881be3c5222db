// A real kubectl on a real kube-apiserver, through a tunnel over real OpenSSH servers that confine its key.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Apiserver, startApiserver } from '../test/kube/apiserver.ts';
import { type Etcd, startEtcd } from '../test/kube/etcd.ts';
import { findBuilt } from '../test/kube/programs.ts';
import { useServers } from '../test/openssh/servers.ts';
import {
  createTunnelFixture,
  type RunningCommand,
  type TunnelFixture,
} from '../test/openssh/tunnel-fixture.ts';
import { until } from '../test/until.ts';

useServers();

const HOST = '127.0.0.1';
/** Longer than the tunnel leaves an idle session alone. */
const IDLE_MS = 20_000;
let dir: string;
let etcd: Etcd;
let apiserver: Apiserver;
let port: number;
let fixture: TunnelFixture;
let tunnel: RunningCommand;
const started: ChildProcess[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-kubectl-'));
  etcd = await startEtcd({ program: findBuilt('etcd') as string, dir });
  const program = [findBuilt('kube-apiserver') as string];
  apiserver = await startApiserver({ program, dir: join(dir, 'pki'), etcdUrls: etcd.clientUrls });
  port = Number(new URL(apiserver.url).port);
  fixture = await createTunnelFixture(
    'kubectl',
    `[{ name: api, probe: apiserver, port: ${port} }, { name: files, probe: pki, paths: [${join(dir, 'pki')}] }]`,
    HOST,
  );
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  // The credentials are in a file of their own, as an operator has them.
  writeFileSync(
    join(fixture.folder, 'users'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      users: [
        {
          name: 'admin',
          user: {
            'client-certificate-data': encoded(apiserver.admin.cert),
            'client-key-data': encoded(apiserver.admin.key),
          },
        },
      ],
    }),
  );
  tunnel = await fixture.tunnel('prod/n1', `${port}`, '--local', '0');
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  fixture?.close();
  await apiserver?.stop();
  await etcd?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const kubectl = findBuilt('kubectl') as string;
/** With nothing of the user who runs the test. */
const environment = (file: string) => ({
  PATH: process.env.PATH,
  HOME: dir,
  KUBECONFIG: [file, 'users'].map((name) => join(fixture.folder, name)).join(':'),
});

async function run(file: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(kubectl, args, { env: environment(file) });
  return stdout.trim();
}

it('a kubeconfig leads kubectl through the tunnel, verified by the authority among the files of the node', async () => {
  const written = await fixture.run('kubeconfig', 'prod', '--file', 'prod.kubeconfig', '--user', 'admin');
  expect([written.code, written.out]).toEqual([0, '']);
  expect(written.err).toContain(`verified as ${HOST} by ${join(dir, 'pki/ca.crt')} of prod/n1`);
  const text = readFileSync(join(fixture.folder, 'prod.kubeconfig'), 'utf8');
  expect(text).toContain('tls-server-name: 127.0.0.1');
  expect(text).not.toMatch(/insecure|PRIVATE/);
  expect(await run('prod.kubeconfig', 'get', '--raw', '/readyz')).toBe('ok');
  expect(await run('prod.kubeconfig', 'get', 'namespaces', '-o', 'name')).toContain('namespace/default');
});

it('a watch lasts through idle time, and shows a change after it', async () => {
  await run('prod.kubeconfig', 'create', 'configmap', 'before');
  const watch = spawn(kubectl, ['get', 'configmaps', '--watch', '-o', 'name'], {
    env: environment('prod.kubeconfig'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(watch);
  let [seen, err] = ['', ''];
  watch.stdout.on('data', (chunk) => {
    seen += chunk;
  });
  watch.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await until('the watch begins', () => seen.includes('configmap/before'), { seen: () => err });
  await sleep(IDLE_MS);
  await run('prod.kubeconfig', 'create', 'configmap', 'after');
  await until('the watch shows the change', () => seen.includes('configmap/after'), { seen: () => err });
  expect(watch.exitCode).toBeNull();

  // The tunnel ends, and the watch with it, not silently.
  const exit = once(watch, 'exit');
  expect(await tunnel.stop()).toBe(0);
  await exit;
  const cut = fixture.audit().find(({ outcome }) => outcome === 'cut');
  expect(cut).toMatchObject({ kind: 'tunnel', event: 'closed', target: 'prod/n1' });
  expect(Number(cut?.durationMs)).toBeGreaterThan(IDLE_MS);
  expect(Number(cut?.bytes)).toBeGreaterThan(1_000);
});

it('kubectl accepts a certificate that was pinned, and no other', async () => {
  tunnel = await fixture.tunnel('prod/n1', `${port}`, '--local', '0');
  const pinned = await fixture.run(
    'kubeconfig',
    'prod',
    '--pin',
    '--user',
    'admin',
    '--file',
    'pinned.kubeconfig',
  );
  expect([pinned.code, pinned.err]).toEqual([
    0,
    expect.stringMatching(/by the certificate that it serves now, .*SHA-256/),
  ]);
  expect(await run('pinned.kubeconfig', 'get', '--raw', '/readyz')).toBe('ok');

  const other = readFileSync(join(fixture.folder, 'pinned.kubeconfig'), 'utf8').replace(
    /certificate-authority-data: .*/,
    `certificate-authority-data: ${Buffer.from(apiserver.admin.cert).toString('base64')}`,
  );
  writeFileSync(join(fixture.folder, 'other.kubeconfig'), other);
  await expect(run('other.kubeconfig', 'get', '--raw', '/readyz')).rejects.toThrow('x509');
  await tunnel.stop();
});
