// A bastion and nodes of Debian's OpenSSH, whose nodes show the load of this machine.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BatchObservation } from '../../core/model.ts';
import {
  createFleet,
  type Fleet,
  KEY_TYPES,
  type KeyType,
  type Server,
  type ServerOptions,
  signalServer,
  stopServer,
} from '../../examples/openssh/fleet.ts';
import {
  bastionConfig,
  batchOf,
  createProberWorld,
  detailOf,
  outcomes,
  type ProberWorld,
  readings,
  targetOf,
} from '../../test/prober-world.ts';
import { bastionKeyLine, nodeKeyLine } from '../ssh/authorized-keys.ts';
import { parsePrivateKey } from '../ssh/private-keys.ts';
import { usage } from './usage/usage.ts';

let dir: string;
let fleet: Fleet;
let bastion: Server;
let node: Server;
let nextPort = 22_401;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'openssh-'));
  fleet = createFleet(dir);
  bastion = await fleet.start({ name: 'bastion', host: '127.0.0.1', port: nextPort++ });
  node = await startNode('node', { hostKeys: KEY_TYPES });
});
afterAll(async () => {
  await fleet?.stop();
  rmSync(dir, { recursive: true, force: true });
});
const probers: ProberWorld[] = [];
afterEach(async () => {
  for (const { prober } of probers.splice(0)) await prober.close();
});

const startNode = (name: string, options: Partial<ServerOptions> = {}) =>
  fleet.start({ name, host: '127.0.0.2', port: nextPort++, hostKeys: ['ed25519'], ...options });

const pinned = (server: Server, type: KeyType = 'ed25519') => ({
  host: server.host,
  port: server.port,
  hostKey: server.hostKeys[KEY_TYPES.indexOf(type)] as string,
});
const target = (name: string, server: Server, type?: KeyType) =>
  targetOf(name, pinned(server, type), { user: fleet.user });

async function world(
  changes: Parameters<typeof bastionConfig>[1] = {},
  options: { hop?: Server; key?: KeyType; hopKey?: KeyType } = {},
): Promise<ProberWorld> {
  const { hop = bastion, key = 'ed25519', hopKey } = options;
  const made = await createProberWorld({
    bastion: bastionConfig(pinned(hop, hopKey), {
      user: fleet.user,
      deadlines: { bastionMs: 5_000, dialMs: 5_000, handshakeMs: 5_000, execMs: 8_000 },
      ...changes,
    }),
    keys: { client: readFileSync(fleet.key(key), 'utf8') },
    secondLookMs: 600,
  });
  probers.push(made);
  return made;
}

const logOf = (server: Server) => readFileSync(join(dir, server.name, 'sshd.log'), 'utf8');
const loginsOf = (server: Server) => logOf(server).match(/Accepted publickey/g)?.length ?? 0;
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Every metric that a Linux machine has, whatever it is made of. */
const ALWAYS = ['uptime', 'processes', 'load1', 'load5', 'load15', 'load_per_core', 'cores', 'mem_total'];
const RATES = ['mem_usage', 'clock_offset', 'cpu_usage', 'cpu_iowait', 'cpu_steal', 'oom_kills'];

describe('through a real bastion', () => {
  it('a batch of nodes tells of this machine', async () => {
    const { prober } = await world();
    const targets = Array.from({ length: 12 }, (_, i) => target(`n${i}`, node));
    const result = await prober.probe(batchOf(targets));
    expect(result.bastion).toEqual({ ok: true });
    expect(new Set(outcomes(result).map((line) => line.split(': ')[1]))).toEqual(new Set(['ok']));
    const values = readings(result, 'n7');
    expect(Object.keys(values)).toEqual(expect.arrayContaining([...ALWAYS, ...RATES]));
    expect(Object.keys(values).filter((name) => name.startsWith('disk_usage'))).not.toEqual([]);
    expect(Math.abs(values.clock_offset ?? 9)).toBeLessThan(0.5);
    expect(values.uptime).toBeCloseTo(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]), -2);
  });

  it.each(KEY_TYPES)('a server with several host keys shows the one that is pinned: %s', async (type) => {
    const { prober, audit } = await world({}, { hopKey: type });
    expect(outcomes(await prober.probe(batchOf([target('n', node, type)])))).toEqual(['n: ok']);
    expect(new Set(audit.map((entry) => entry.hostKeyFingerprint)).size).toBe(2);
  });

  it.each(KEY_TYPES)('a private key of OpenSSH opens bastion and node: %s', async (key) => {
    const { prober } = await world({}, { key });
    expect(outcomes(await prober.probe(batchOf([target('n', node)])))).toEqual(['n: ok']);
  });

  it('a server that lost the pinned key has changed, though it has others', async () => {
    const server = await startNode('without-ed25519', { hostKeys: ['rsa'] });
    const { prober } = await world();
    const changed = targetOf(
      'n',
      { ...pinned(server), hostKey: node.hostKeys[0] as string },
      { user: fleet.user },
    );
    const result = await prober.probe(batchOf([changed]));
    expect(outcomes(result)).toEqual(['n: host-key/handshake']);
    expect(detailOf(result, 'n')).toMatch(/it shows ssh-rsa SHA256:\S+, pinned is ssh-ed25519 SHA256/);
  });

  it('connections stay open between rounds', async () => {
    const server = await startNode('warm');
    const { prober } = await world();
    const before = loginsOf(bastion);
    for (let round = 0; round < 3; round++) {
      expect(outcomes(await prober.probe(batchOf([target('n', server)])))).toEqual(['n: ok']);
    }
    expect([loginsOf(bastion) - before, loginsOf(server)]).toEqual([1, 1]);
  });

  it('a bastion that forbids forwarding is itself what fails', async () => {
    const hop = await fleet.start({
      name: 'closed',
      host: '127.0.0.1',
      port: nextPort++,
      config: ['AllowTcpForwarding no'],
    });
    const { prober } = await world({}, { hop });
    const result = await prober.probe(batchOf([target('a', node), target('b', node)]));
    expect(result).toMatchObject({
      bastion: { ok: false, failure: { reason: 'unreachable', phase: 'dial' } },
      observations: [],
    });
    expect(result.bastion.ok || result.bastion.failure.detail).toMatch(
      /^the bastion does not forward to 127.0.0.2:/,
    );
  });
});

// authorized_keys runs this in place of a login shell that we cannot set without root.
const shell = (program: string) => `exec ${program} -c "$SSH_ORIGINAL_COMMAND"`;

/** What runs in place of the login shell, by name of the node. */
const SHELLS: Readonly<Record<string, (bin: string) => string>> = {
  dash: () => shell('dash'),
  bash: () => shell('bash'),
  'bash-as-sh': () => shell('bash --posix'),
  busybox: () => shell('busybox sh'),
  zsh: () => shell('zsh'),
  'korean-locale': () =>
    `export LANG=ko_KR.UTF-8 LC_ALL=ko_KR.UTF-8 LC_NUMERIC=de_DE.UTF-8; ${shell('bash')}`,
  'path-without-system': () => 'export PATH=/nowhere; exec /bin/sh',
  'odd-variables': () =>
    `export IFS=0123456789 POSIXLY_CORRECT=1 BLOCK_SIZE=512 AWKPATH=/ ENV=/etc/passwd; ${shell('sh')}`,
  'noisy-profile': () => `echo "*** Welcome ***"; echo oops >&2; printf 'no end'; ${shell('sh')}; echo bye`,
  'only-busybox': (bin) => `export PATH=${bin}; ${shell(join(bin, 'sh'))}`,
};

describe('the script runs whatever the login shell is', () => {
  let result: BatchObservation;
  beforeAll(async () => {
    const bin = join(dir, 'busybox-bin');
    mkdirSync(bin);
    for (const applet of ['sh', 'awk', 'date', 'df', 'sleep']) symlinkSync('/bin/busybox', join(bin, applet));
    const targets = await Promise.all(
      Object.entries(SHELLS).map(async ([name, command]) =>
        target(name, await startNode(name, { command: command(bin) })),
      ),
    );
    const { prober } = await world();
    result = await prober.probe(batchOf(targets));
    await prober.close();
  });

  it.each(Object.keys(SHELLS))('%s', (name) => {
    const values = readings(result, name);
    expect(Object.keys(values)).toEqual(expect.arrayContaining([...ALWAYS, ...RATES]));
    expect(Object.keys(values).filter((metric) => metric.startsWith('disk_usage'))).not.toEqual([]);
    expect(values.mem_total).toBe(
      Number(/MemTotal: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024,
    );
  });

  it('and where it may not run at all, the node says why', async () => {
    const server = await startNode('refusing', { command: 'echo "not today" >&2; exit 126' });
    const { prober } = await world();
    const result = await prober.probe(batchOf([target('n', server)]));
    expect(outcomes(result)).toEqual(['n: command/exec']);
    expect(detailOf(result, 'n')).toBe('the script ended with code 126: not today');
  });

  it('and df hangs: the rest is told in time, and df is ended', async () => {
    const bin = join(dir, 'hanging-bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'df'), '#!/bin/sh\nexec sleep 3600\n', { mode: 0o755 });
    const mark = `BARTIZAN_MARK=${bin}`;
    const targets = await Promise.all(
      ['dash', 'bash', 'busybox sh', 'zsh --emulate sh'].map(async (program, i) => {
        const command = `export PATH=${bin}:$PATH ${mark}; exec ${program}`;
        return target(program, await startNode(`hanging-${i}`, { command }));
      }),
    );
    const { prober } = await world();
    const result = await prober.probe(batchOf(targets));
    for (const { node: name } of targets) {
      expect(readings(result, name)).toMatchObject({
        load1: expect.any(Number),
        cpu_usage: expect.any(Number),
      });
      expect(readings(result, name)).not.toHaveProperty('disk_usage /');
    }
    await until(() => processesWith(mark).length === 0);
  });

  it('and leaves no process behind', async () => {
    const server = await startNode('clean', { command: `export BARTIZAN_MARK=${dir}; ${shell('sh')}` });
    const { prober } = await world();
    await prober.probe(batchOf([target('n', server)]));
    await prober.close();
    await until(() => /Disconnected from|Connection closed/.test(logOf(server)));
    expect(processesWith(`BARTIZAN_MARK=${dir}`)).toEqual([]);
  });
});

describe('keys confined by the lines of `bartizan keys`', () => {
  const clientKey = () => parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key');

  it('do all that probing needs, and nothing else', async () => {
    const confined = await startNode('confined', {
      authorizedKeys: `${nodeKeyLine(clientKey(), [usage.script])}\n`,
    });
    const other = await startNode('confined-to-another', {
      authorizedKeys: `${nodeKeyLine(clientKey(), [{ ...usage.script, sha256: '0'.repeat(64) }])}\n`,
    });
    const hop = await fleet.start({
      name: 'confined-hop',
      host: '127.0.0.1',
      port: nextPort++,
      authorizedKeys: `${bastionKeyLine(clientKey(), [confined, other])}\n`,
    });
    const { prober } = await world({ deadlines: { dialMs: 900, handshakeMs: 900 } }, { hop });
    const targets = [target('confined', confined), target('other', other), target('unlisted', node)];
    const result = await prober.probe(batchOf(targets));
    expect(outcomes(result)).toEqual(['confined: ok', 'other: command/exec', 'unlisted: unreachable/dial']);
    expect(readings(result, 'confined')).toHaveProperty('cpu_usage');
    expect(detailOf(result, 'unlisted')).toMatch(/^the bastion does not forward to/);
    // Silence of a node, told apart from silence of a bastion that lets us do so little.
    signalServer(confined.process, 'SIGSTOP');
    const after = await prober.probe(batchOf(targets.slice(0, 2)));
    signalServer(confined.process, 'SIGCONT');
    expect(outcomes(after)[0]).toBe('confined: timeout/handshake');
  });
});

describe('a fault in the middle of a round', () => {
  /** Two nodes that answer at once, and two that take long; the fault comes between. */
  async function strike(fault: (hop: Server) => void) {
    const hop = await fleet.start({ name: `hop-${nextPort}`, host: '127.0.0.1', port: nextPort++ });
    const slow = await startNode(`slow-${nextPort}`, { command: `sleep 5; ${shell('sh')}` });
    const { prober, audit } = await world({ deadlines: { bastionMs: 1_000, execMs: 1_500 } }, { hop });
    const targets = [target('a', node), target('b', node), target('c', slow), target('d', slow)];
    const startMs = performance.now();
    const round = prober.probe(batchOf(targets));
    const answered = () =>
      audit.filter(({ target: name, outcome }) => outcome === 'ok' && /[ab]$/.test(name ?? ''));
    await until(() => answered().length === 4);
    // The second look is over; that of the slow ones has long begun.
    fault(hop);
    const result = await round;
    return { result, ms: performance.now() - startMs, prober, targets, hop };
  }

  it('SIGKILL of the bastion: what was answered stays, the others are unknown', async () => {
    const { result, prober, hop } = await strike((server) => signalServer(server.process, 'SIGKILL'));
    expect(outcomes(result)).toEqual(['a: ok', 'b: ok']);
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason: 'protocol', phase: 'bastion' } });
    const again = await prober.probe(batchOf([target('a', node)]));
    expect(again.bastion).toMatchObject({ ok: false, failure: { reason: 'unreachable', phase: 'bastion' } });
    await fleet.start({ name: hop.name, host: hop.host, port: hop.port });
    expect(outcomes(await prober.probe(batchOf([target('a', node)])))).toEqual(['a: ok']);
  });

  it('SIGSTOP of the bastion: found out within the deadlines, and over when it goes on', async () => {
    const { result, ms, prober, hop } = await strike((server) => signalServer(server.process, 'SIGSTOP'));
    expect(outcomes(result)).toEqual(['a: ok', 'b: ok']);
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason: 'timeout', phase: 'bastion' } });
    expect(ms).toBeLessThan(6_000);
    signalServer(hop.process, 'SIGCONT');
    expect(outcomes(await prober.probe(batchOf([target('a', node)])))).toEqual(['a: ok']);
  });

  it('SIGSTOP of a node: that node only, until it goes on', async () => {
    const server = await startNode('stopping');
    const { prober } = await world({ deadlines: { dialMs: 700, handshakeMs: 700, execMs: 700 } });
    const targets = [target('a', node), target('stopped', server)];
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['a: ok', 'stopped: ok']);
    signalServer(server.process, 'SIGSTOP');
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['a: ok', 'stopped: timeout/handshake']);
    signalServer(server.process, 'SIGCONT');
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(['a: ok', 'stopped: ok']);
  });

  it('SIGKILL of a node between rounds: opened again', async () => {
    const server = await startNode('rebooting');
    const { prober } = await world();
    await prober.probe(batchOf([target('n', server)]));
    await stopServer(server);
    expect(outcomes(await prober.probe(batchOf([target('n', server)])))).toEqual(['n: unreachable/dial']);
    await fleet.start({ name: server.name, host: server.host, port: server.port });
    expect(outcomes(await prober.probe(batchOf([target('n', server)])))).toEqual(['n: ok']);
  });
});

/** Names of processes that were started with that in their environment. */
function processesWith(variable: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable);
      } catch {
        return false;
      }
    });
}
