// The scene itself: that a node is as kubeadm leaves it, that only the bastion leads there, and what each switch does.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inNamespace } from '../../examples/openssh/network.ts';
import type { Answer } from '../../test/kube/ask.ts';
import { until } from '../../test/until.ts';
import { type ControlPlane, type ControlPlaneNode, startControlPlane } from './scene.ts';

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

let dir: string;
let scene: ControlPlane;
let nodes: [ControlPlaneNode, ControlPlaneNode, ControlPlaneNode];
const etcBefore = readdirSync('/etc').sort();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-control-plane-'));
  scene = await startControlPlane({ dir, report: (text) => process.stdout.write(`${text}\n`) });
  nodes = scene.nodes as typeof nodes;
});
afterAll(async () => {
  await scene?.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  stdout: string;
}

/** Runs a program where Bartizan would run: it reaches the bastion alone. */
function watcher(command: readonly string[]): Ended {
  const [program, args] = inNamespace(scene.watcher.namespace, ...command);
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return { code: status, stdout };
}

/** OpenSSH's client on its way through the bastion to a node. */
function ssh(node: ControlPlaneNode, args: readonly string[]): Ended {
  return watcher(['ssh', ...sshArguments(node, args)]);
}

function sshArguments(node: ControlPlaneNode, args: readonly string[]): string[] {
  const { user, bastion, keyFile } = scene;
  const settings = [
    'BatchMode=yes',
    'LogLevel=QUIET',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
  ];
  const options = ['-F', 'none', '-i', keyFile, ...settings.flatMap((setting) => ['-o', setting])];
  const proxy = ['ssh', ...options, '-W', '%h:%p', `${user}@${bastion.host}`].join(' ');
  return [...options, '-o', `ProxyCommand=${proxy}`, `${user}@${node.host}`, ...args];
}

/** As a probe asks for what a node serves on its loopback. */
async function loopback(node: ControlPlaneNode, path: string): Promise<string> {
  const [program, args] = inNamespace(
    scene.watcher.namespace,
    'ssh',
    ...sshArguments(node, ['-W', '127.0.0.1:2381']),
  );
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  // etcd gives a request up when its client closes its side.
  child.stdin.write(`GET ${path} HTTP/1.0\r\n\r\n`);
  await once(child.stdout, 'end');
  child.stdin.end();
  return text;
}

const readyz = ({ host }: ControlPlaneNode): Promise<Answer> =>
  scene.ask(`https://${host}:6443/readyz`, { ca: scene.ca });

async function databaseSize(node: ControlPlaneNode): Promise<number> {
  const metrics = await loopback(node, '/metrics');
  return Number(/^etcd_mvcc_db_total_size_in_bytes (\S+)$/m.exec(metrics)?.[1]);
}

describe('a node', () => {
  it('has the files that kubeadm leaves, and shows certificates alone to its user', () => {
    const [node] = nodes;
    const { stdout } = ssh(node, [
      'cd /etc/kubernetes && find . -type f | sort; cat pki/ca.crt; cat admin.conf pki/ca.key; id -u',
    ]);
    const { files } = node;
    const names = readdirSync(files, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.\w+$/.test(name),
    );
    expect(stdout.split('\n').filter((line) => line.startsWith('./'))).toEqual(
      names.map((name) => `./${name}`).sort(),
    );
    expect(names).toContain('pki/etcd/healthcheck-client.crt');
    expect(stdout).toContain(scene.ca.trim());
    expect(stdout).not.toMatch(/PRIVATE KEY|client-key-data/);
    expect(stdout).toMatch(/^47120$/m);
  });

  it('has a loopback of its own, with a member of etcd', async () => {
    const metrics = await Promise.all(nodes.map((node) => loopback(node, '/metrics')));
    const ids = metrics.map((text) => /^etcd_server_id\{server_id="(\w+)"\} 1$/m.exec(text)?.[1]);
    expect(new Set(ids).size).toBe(3);
    expect(ids).not.toContain(undefined);
    expect(await loopback(nodes[1], '/health')).toMatch(/^HTTP\/1\.0 200 OK\r\n.*\{"health":"true"/s);
  });

  it('is reached from the bastion alone', () => {
    const [{ host }] = nodes;
    const knock = (port: number) => watcher(['timeout', '2', 'bash', '-c', `</dev/tcp/${host}/${port}`]).code;
    expect([22, 6443, 2379].map(knock)).toEqual([124, 124, 124]);
    expect(ssh(nodes[0], ['true']).code).toBe(0);
  });

  it('leaves the machine as it is', () => {
    expect(readdirSync('/etc').sort()).toEqual(etcBefore);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(dir);
  });
});

describe('a switch', () => {
  it('stops etcd: the API server of that node is not ready, the others are', async () => {
    const [first, second] = nodes;
    await scene.faults.stopEtcd('cp-2');
    await until('cp-2 is not ready', async () => (await readyz(second)).status === 500);
    expect((await readyz(second)).body).toMatch(/^\[-\]etcd failed: reason withheld$/m);
    expect((await readyz(first)).status).toBe(200);
    await scene.faults.startEtcd('cp-2');
    await until('cp-2 is ready', async () => (await readyz(second)).status === 200);
  });

  it('hides an API server: 401, 403, or no answer', async () => {
    const [, , third] = nodes;
    await scene.faults.startApiserver('cp-3', 'unauthorized');
    expect((await readyz(third)).status).toBe(401);
    await scene.faults.startApiserver('cp-3', 'forbidden');
    expect((await readyz(third)).status).toBe(403);
    await scene.faults.startApiserver('cp-3', { paths: ['/readyz'] });
    expect((await readyz(third)).status).toBe(200);
    const { status } = await scene.ask(`https://${third.host}:6443/livez`, { ca: scene.ca });
    expect(status).toBe(401);

    const knock = () =>
      ssh({ ...third, ...scene.bastion }, ['timeout', '3', 'bash', '-c', `"</dev/tcp/${third.host}/6443"`])
        .code;
    expect(knock()).toBe(0);
    scene.faults.hideBehindFirewall('cp-3');
    expect(knock()).toBe(124);
    expect((await readyz(third)).status).toBe(200);
    scene.faults.openFirewall('cp-3');
    expect(knock()).toBe(0);
    await scene.faults.startApiserver('cp-3');
  });

  it('shortens a certificate, which its server then shows', async () => {
    const [first] = nodes;
    await scene.faults.shortenCertificate('cp-1', 'pki/etcd/server', 6 * DAY_MS);
    const { stdout } = ssh(first, ['cat /etc/kubernetes/pki/etcd/server.crt']);
    const { validToDate, validFromDate, subjectAltName } = new X509Certificate(stdout);
    expect((validToDate.getTime() - Date.now()) / DAY_MS).toBeCloseTo(6, 1);
    expect(Math.round((validToDate.getTime() - validFromDate.getTime()) / DAY_MS)).toBe(365);
    expect(subjectAltName).toContain('DNS:cp-1');
    const shown = ssh({ ...first, ...scene.bastion }, [
      `openssl s_client -connect ${first.host}:2379 </dev/null 2>/dev/null | openssl x509 -serial -noout`,
    ]);
    const { serialNumber } = new X509Certificate(stdout);
    expect(shown.stdout.trim()).toBe(`serial=${serialNumber}`);
  });

  it('lets the database grow', async () => {
    const [first] = nodes;
    const before = await databaseSize(first);
    const growth = scene.faults.growDatabase(4 * MIB);
    await until('there is a megabyte more', () => growth.writtenBytes() > MIB);
    await growth.stop();
    expect(growth.refusal()).toBeUndefined();
    expect((await databaseSize(first)) - before).toBeGreaterThan(MIB / 2);
  });
});

it('ends with nothing left: no process, no namespace, no mount', async () => {
  const prefix = scene.watcher.namespace.replace(/watcher$/, '');
  await scene.stop();
  expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain(prefix);
  const running = readdirSync('/proc').filter((pid) => {
    const file = `/proc/${pid}/cmdline`;
    return /^\d+$/.test(pid) && existsSync(file) && readFileSync(file, 'utf8').includes(dir);
  });
  expect(running).toEqual([]);
});
