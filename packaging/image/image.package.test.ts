// The image, built by buildah from this checkout: what is in it, how large it is, and the main job over real SSH from a root that
// is read-only, as a user that is not root.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFleet, type Fleet, type Server } from '../../examples/openssh/fleet.ts';
import { freePort } from '../../localstack/free-port.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import manifest from '../../package.json' with { type: 'json' };
import { until } from '../../test/until.ts';
import { type Buildah, buildImage, createBuildah } from './build.ts';
import { changeConfig, launchIn, makeMounts, runIn } from './container.fixture.ts';
import { DATA_FOLDER, IMAGE_USER } from './rootfs.ts';

const MIB = 1024 ** 2;
const MOST_PACKED = 65 * 1e6;
const MOST_UNPACKED = 190 * 1e6;
const SECRET = 'image-hmac-secret';

const work = mkdtempSync(join(tmpdir(), 'bartizan-image-'));
const archive = join(work, 'image.tar');
const { version } = manifest;
const started: ChildProcess[] = [];
let buildah: Buildah;
let container: string;
let root: string;

interface Entry {
  path: string;
  mode: number;
  size: number;
  uid: number;
  isFile: boolean;
}

beforeAll(async () => {
  await buildImage(createBuildah(join(work, 'building')), { work, archive, version });
  // The archive alone, as another machine gets it.
  buildah = createBuildah(join(work, 'loaded'));
  const policy = join(work, 'policy.json');
  container = buildah('from', '--signature-policy', policy, `oci-archive:${archive}`);
  root = buildah('mount', container);
});

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
});

/** Every file and folder; a link to a folder is not followed. */
function entries(folder = ''): Entry[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    const stats = lstatSync(join(root, path));
    const { mode, size, uid } = stats;
    const below = stats.isDirectory() ? entries(path) : [];
    return [{ path, mode, uid, size: stats.isFile() ? size : 0, isFile: stats.isFile() }, ...below];
  });
}

describe('what is in it', () => {
  it('is at most 65 MB packed by gzip, and 190 MB unpacked', () => {
    const packed = statSync(archive).size;
    const unpacked = entries().reduce((sum, { size }) => sum + size, 0);
    process.stdout.write(
      `image: ${(packed / MIB).toFixed(1)} MiB packed, ${(unpacked / MIB).toFixed(1)} MiB unpacked\n`,
    );
    expect(packed).toBeLessThan(MOST_PACKED);
    expect(unpacked).toBeLessThan(MOST_UNPACKED);
    expect(unpacked).toBeGreaterThan(packed);
  });

  it('has a number as user, one volume, one port, the program as entry point, and no health check', () => {
    const { OCIv1 } = JSON.parse(buildah('inspect', '--type', 'container', container)) as {
      OCIv1: { config: Record<string, unknown>; architecture: string };
    };
    expect(OCIv1.architecture).toBe(process.arch === 'x64' ? 'amd64' : 'arm64');
    expect(OCIv1.config).toMatchObject({
      User: `${IMAGE_USER}:${IMAGE_USER}`,
      Entrypoint: ['/usr/bin/bartizan'],
      Cmd: ['--help'],
      Env: ['PATH=/usr/bin', `HOME=${DATA_FOLDER}`],
      Volumes: { [DATA_FOLDER]: {} },
      ExposedPorts: { '9470/tcp': {} },
      WorkingDir: DATA_FOLDER,
    });
    expect(OCIv1.config).not.toHaveProperty('Healthcheck');
    expect(OCIv1.config.Labels).toMatchObject({
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    });
  });

  it('has no shell and no other program', () => {
    const names = entries()
      .filter(({ mode, isFile }) => isFile && (mode & 0o111) !== 0)
      .map(({ path }) => path)
      .filter((path) => !/\.so[.\d]*$|\.node$|\/ld-linux/.test(path));
    expect(names.sort()).toEqual(['/opt/bartizan/lib/node', '/usr/bin/bartizan']);
  });

  it('belongs to root, which alone may write; the program owns its data', () => {
    const kinds = entries().filter(({ mode }) => (mode & 0o170000) !== 0o120000);
    expect(kinds.filter(({ mode }) => (mode & 0o6000) !== 0)).toEqual([]);
    const others = kinds.filter(({ uid, mode }) => uid !== 0 || (mode & 0o022) !== 0).map(({ path }) => path);
    expect(others.sort()).toEqual(['/tmp', DATA_FOLDER]);
    expect(statSync(join(root, DATA_FOLDER))).toMatchObject({ uid: IMAGE_USER, gid: IMAGE_USER });
    expect(statSync(join(root, 'tmp')).mode & 0o7777).toBe(0o1777);
  });

  it('tells scanners its distribution and the packages of its libraries', () => {
    const records = join(root, 'var/lib/dpkg/status.d');
    expect(readdirSync(records)).toEqual(expect.arrayContaining(['libc6', 'libstdc++6']));
    for (const name of readdirSync(records)) {
      expect(readFileSync(join(records, name), 'utf8')).toMatch(/^Package: .+\n[\s\S]*^Version: \d/m);
      expect(statSync(join(root, 'usr/share/doc', name, 'copyright')).size).toBeGreaterThan(0);
    }
    expect(readFileSync(join(root, 'usr/lib/os-release'), 'utf8')).toMatch(/^ID=/m);
  });

  it('is run by buildah as its user', () => {
    const run = (...command: string[]) =>
      buildah('run', '--isolation', 'chroot', container, '--', ...command);
    expect(run('bartizan', '--version')).toBe(version);
    expect(run('/opt/bartizan/lib/node', '-p', 'process.getuid()')).toBe(String(IMAGE_USER));
  });
});

describe('the main job from a read-only root', () => {
  let fleet: Fleet;
  let sink: Sink;
  let port: number;
  const given = join(work, 'given');
  const env = { HOME: DATA_FOLDER, HMAC_SECRET: SECRET };
  const run = (...command: string[]) => runIn({ root, given, env }, command);

  beforeAll(async () => {
    fleet = createFleet(join(work, 'fleet'));
    const bastion = await fleet.start({ name: 'bastion', host: '127.0.0.1', port: await freePort() });
    const node = await fleet.start({ name: 'n1', host: '127.0.0.2', port: await freePort() });
    sink = await startSink({ secret: SECRET, dir: join(work, 'messages') });
    port = await freePort();
    makeMounts(given);
    writeFileSync(join(given, 'hosts'), '127.0.0.1 localhost bastion.internal\n');
    writeFileSync(join(given, 'key'), readFileSync(fleet.key('ed25519')), { mode: 0o600 });
    const login = (host: string, { port }: Server) => `host: ${host}, port: ${port}, user: ${fleet.user}`;
    writeFileSync(
      join(given, 'known_hosts'),
      `[bastion.internal]:${bastion.port} ${bastion.hostKeys[0]}\n[${node.host}%gate]:${node.port} ${node.hostKeys[0]}\n`,
    );
    changeConfig(
      given,
      () => `
bastions:
  - { name: gate, privateKey: "\${file:/run/secrets/bartizan/ssh/id_ed25519}", ${login('bastion.internal', bastion)} }
clusters:
  - name: prod
    bastion: gate
    nodes: [{ name: n1, role: controlplane, ${login(node.host, node)} }]
checks: [{ name: usage, probe: usage, every: 1s }]
rules: { add: [{ name: any-memory, metric: mem_usage, above: 0.1, for: 1s, severity: warning }] }
channels: [{ name: ops, type: webhook, url: "${sink.url}", secret: "\${env:HMAC_SECRET}" }]
store: { path: ${DATA_FOLDER} }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:${port}" }
`,
    );
  });
  afterAll(async () => {
    await sink?.stop();
    await fleet?.stop();
  });

  it('nothing but the data and /tmp can be written', async () => {
    const attempt = `
      for (const folder of ['/', '/etc', '/opt/bartizan/lib', '/etc/bartizan', '/run/secrets/bartizan', '/tmp', '${DATA_FOLDER}'])
        try { fs.writeFileSync(folder + '/written', ''); fs.rmSync(folder + '/written'); console.log(folder, 'written'); }
        catch (error) { console.log(folder, error.code); }`;
    const { out } = await run('/opt/bartizan/lib/node', '-e', attempt);
    expect(out.trim().split('\n')).toEqual([
      '/ EROFS',
      '/etc EROFS',
      '/opt/bartizan/lib EROFS',
      '/etc/bartizan EROFS',
      '/run/secrets/bartizan EROFS',
      '/tmp written',
      `${DATA_FOLDER} written`,
    ]);
  });

  it('`trust` knows the keys of the ConfigMap, and cannot add one there', async () => {
    const trust = () => run('/usr/bin/bartizan', 'trust', '--yes', '-c', '/etc/bartizan/bartizan.yaml');
    expect(await trust()).toMatchObject({ code: 0, out: expect.stringContaining('2 already known') });
    const file = join(given, 'known_hosts');
    const lines = readFileSync(file, 'utf8');
    writeFileSync(file, lines.split('\n')[0] as string);
    const refused = await trust();
    writeFileSync(file, lines);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining('/var/lib/bartizan/known_hosts: this user may not write it'),
    });
  });

  it('`check` has nothing to say, and `probe` reads the node through the bastion', async () => {
    const config = ['-c', '/etc/bartizan/bartizan.yaml'];
    const checked = await run('/usr/bin/bartizan', 'check', '/etc/bartizan/bartizan.yaml');
    expect([checked.code, checked.err]).toEqual([0, '']);
    expect(checked.out).not.toContain('warning');
    const { code, out, err } = await run('/usr/bin/bartizan', 'probe', ...config, '--json');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('mem_usage');
  });

  it('a user that no file of the image knows may run it, as on OpenShift', async () => {
    const other = { ...env, RUN_AS: '1000680000' };
    const checked = await runIn({ root, given, env: other }, [
      '/usr/bin/bartizan',
      'check',
      '/etc/bartizan/bartizan.yaml',
    ]);
    expect([checked.code, checked.err]).toEqual([0, '']);
    expect(checked.out).not.toContain('warning');
  });

  it('`up` with the arguments of the chart probes, stores and sends an alert with its picture, and ends when asked', async () => {
    const rendered = readFileSync(join(import.meta.dirname, '../chart/rendered/smallest.yaml'), 'utf8');
    const args = (/ {10}args:\n((?: {12}- .*\n)+)/.exec(rendered)?.[1] ?? '')
      .trim()
      .split(/\n? *- /)
      .slice(1);
    expect(args.slice(0, 3)).toEqual(['up', '--config', '/etc/bartizan/bartizan.yaml']);
    const child = launchIn({ root, given, env }, ['/usr/bin/bartizan', ...args]);
    started.push(child);
    const log = text(child.stderr!);
    child.stdout?.resume();
    await until('an alert', () => sink.messages.length > 0 || child.exitCode !== null);
    expect(child.exitCode).toBeNull();
    const [message] = sink.messages;
    expect(message?.payload).toMatchObject({
      status: 'firing',
      alerts: [{ rule: 'any-memory', labels: { node: 'n1' } }],
    });
    expect(
      readFileSync(message?.picturePath ?? '')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const health = await axios.get(`http://127.0.0.1:${port}/livez`, { proxy: false });
    expect(health.status).toBe(200);

    const reload = () => run('/usr/bin/bartizan', 'reload', '-c', '/etc/bartizan/bartizan.yaml');
    changeConfig(given, (text) => text.replace('any-memory', 'other-memory'));
    const reloaded = await reload();
    expect([reloaded.code, reloaded.err, reloaded.out]).toEqual([
      0,
      '',
      expect.stringContaining('other-memory'),
    ]);
    changeConfig(given, (text) => text.replace('mem_usage', 'mem_usages'));
    expect(await reload()).toMatchObject({ code: 1, err: expect.stringContaining('no metric `mem_usages`') });
    expect(child.exitCode).toBeNull();

    child.kill('SIGTERM');
    await once(child, 'exit');
    expect([child.exitCode, child.signalCode]).toEqual([0, null]);
    expect(await log).not.toMatch(/"level":"(error|fatal)"/);
    const data = join(given, 'data');
    const files = readdirSync(data);
    expect(files).toEqual(expect.arrayContaining(['samples.db', 'state.db', 'audit.jsonl']));
    const own = files.filter((name) => name !== 'known_hosts');
    expect(new Set(own.map((name) => statSync(join(data, name)).uid))).toEqual(new Set([IMAGE_USER]));
  });
});
