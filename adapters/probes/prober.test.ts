import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answer, flood, healthy, output, silent } from '../../test/node-behaviour.ts';
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
import {
  CLIENT_KEY,
  type FakeBastion,
  newKey,
  publicKeyOf,
  startFakeBastion,
  startFakeNode,
  startRawNode,
} from '../../test/ssh-fleet.ts';
import { usage } from './usage/usage.ts';

const opened: { close(): Promise<unknown> }[] = [];
const keep = async <T extends { close(): Promise<unknown> }>(thing: Promise<T>): Promise<T> => {
  const started = await thing;
  opened.push(started);
  return started;
};

let bastion: FakeBastion;
beforeEach(async () => {
  bastion = await keep(startFakeBastion());
});
afterEach(async () => {
  for (const { close } of opened.splice(0).reverse()) await close();
});

async function world(
  changes: Parameters<typeof bastionConfig>[1] = {},
  options: Partial<Parameters<typeof createProberWorld>[0]> = {},
): Promise<ProberWorld> {
  const config = bastionConfig(bastion, changes);
  const made = await createProberWorld({
    bastion: config,
    ...options,
    keys: { client: CLIENT_KEY, ...options.keys },
  });
  opened.push(made.prober);
  return made;
}

const healthyNode = (options: Parameters<typeof startFakeNode>[1] = {}) =>
  keep(startFakeNode(healthy, options));

describe('a round', () => {
  it('runs the script of the catalogue on every node, over one connection to the bastion', async () => {
    const nodes = await Promise.all([1, 2, 3].map(() => healthyNode()));
    let script = '';
    const reading = await keep(
      startFakeNode((channel, text, count) => {
        script = text;
        answer(channel, output(count));
      }),
    );
    const { prober, audit } = await world();
    const all = [...nodes, reading].map((node, i) => targetOf(`n${i}`, node));
    const done: number[] = [];
    const result = await prober.probe(batchOf(all), { onObservation: (count) => done.push(count) });
    expect(result.bastion).toEqual({ ok: true });
    expect(outcomes(result)).toEqual(['n0: ok', 'n1: ok', 'n2: ok', 'n3: ok']);
    expect(done).toEqual([1, 2, 3, 4]);
    expect(bastion.logins).toBe(1);
    expect(nodes.map((node) => node.logins)).toEqual([1, 1, 1]);
    expect(reading.commands).toEqual(['sh', 'sh']);
    expect(script).toBe(usage.script.text);
    expect(audit.map(({ target, outcome }) => `${target}: ${outcome}`).sort()).toEqual(
      ['c/n0', 'c/n0', 'c/n1', 'c/n1', 'c/n2', 'c/n2', 'c/n3', 'c/n3', 'undefined'].map(
        (name) => `${name}: ok`,
      ),
    );
  });

  it('writes in the audit who did what where, with which key and how it ended', async () => {
    const { prober, audit } = await world();
    const node = await healthyNode();
    await prober.probe(batchOf([targetOf('n', node)]));
    expect(audit[0]).toMatchObject({ actor: 'bartizan', bastion: 'b', outcome: 'ok' });
    expect(audit[0]?.hostKeyFingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
    expect(audit[1]).toMatchObject({
      actor: 'bartizan',
      bastion: 'b',
      target: 'c/n',
      command: 'usage@1',
      commandSha256: usage.script.sha256,
      exitCode: 0,
      outcome: 'ok',
    });
    expect(audit[1]?.hostKeyFingerprint).not.toBe(audit[0]?.hostKeyFingerprint);
    expect(audit[1]?.bytes).toBeGreaterThan(100);
  });

  it('tells the clock of a node against ours', async () => {
    const { prober } = await world();
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(readings(result, 'n').clock_offset).toBeCloseTo(7, 1);
  });

  it('fails when the audit cannot be written: no way in passes it by', async () => {
    const { prober, audit } = await world();
    audit.push = () => {
      throw new Error('disk full');
    };
    await expect(prober.probe(batchOf([targetOf('n', await healthyNode())]))).rejects.toThrow('disk full');
  });
});

describe('rates', () => {
  it('need a second look in the first round, and none after it', async () => {
    const node = await healthyNode();
    const { prober } = await world();
    const batch = batchOf([targetOf('n', node)]);
    const first = await prober.probe(batch);
    expect(node.commands).toHaveLength(2);
    expect(readings(first, 'n')).toMatchObject({ cpu_usage: 50, 'net_rx eth0': 1_000, 'net_tx eth0': 100 });
    const second = await prober.probe(batch);
    expect(node.commands).toHaveLength(3);
    expect(readings(second, 'n')).toMatchObject({ cpu_usage: 50, 'net_rx eth0': 1_000 });
  });

  it('are kept in one object per batch and check', async () => {
    const { prober, counters } = await world();
    const targets = [targetOf('n', await healthyNode()), targetOf('m', await healthyNode())];
    await prober.probe(batchOf(targets, { index: 2, count: 5 }));
    expect([...counters.keys()]).toEqual(['b/2of5/usage']);
    expect(JSON.stringify([...counters.values()])).toContain('"c/m"');
  });

  it('go on after a restart of ours, and start anew after one of the node', async () => {
    let boot = 'a';
    const node = await keep(
      startFakeNode((channel, _, count) => answer(channel, output(count, `${boot}-0000000`))),
    );
    const { prober, counters } = await world();
    const batch = batchOf([targetOf('n', node)]);
    await prober.probe(batch);
    const again = await world();
    for (const [key, value] of counters) again.counters.set(key, value);
    await again.prober.probe(batch);
    expect(node.commands).toHaveLength(3);
    boot = 'b';
    const after = await again.prober.probe(batch);
    expect(node.commands).toHaveLength(5);
    expect(readings(after, 'n').cpu_usage).toBe(50);
  });

  it.each([
    ['garbage', 'garbage'],
    ['of another release', { version: 9, nodes: [] }],
    ['of another shape', { version: 1, nodes: [['c/n', { boot: 'boot-aaaa', net: 'eth0' }], 7] }],
  ])('start anew where what was kept is %s', async (_, value) => {
    const { prober, counters } = await world();
    counters.set('b/0of1/usage', value);
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(readings(result, 'n').cpu_usage).toBe(50);
  });

  it('do without a second look that fails: what the first told stands', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => (count === 0 ? answer(channel, output(0)) : channel.close())),
    );
    const { prober } = await world();
    const result = await prober.probe(batchOf([targetOf('n', node)]));
    expect(readings(result, 'n')).toMatchObject({ load1: 1 });
    expect(readings(result, 'n')).not.toHaveProperty('cpu_usage');
    expect(result.observations[0]?.result).toMatchObject({
      notes: expect.arrayContaining([expect.stringMatching(/^no rates yet: the connection ended/)]),
    });
  });
});

describe('nodes that misbehave neither delay nor spoil the others', () => {
  it('in one round', async () => {
    const deaf = await keep(startRawNode(() => {}));
    const closed = await startRawNode(() => {});
    await closed.close();
    const chatty = await keep(startRawNode((socket) => flood(socket)));
    const web = await keep(startRawNode((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const hangup = await keep(startRawNode((socket) => socket.destroy()));
    const talkative = await keep(startFakeNode((channel) => flood(channel)));
    const frozen = await keep(startFakeNode(silent));
    const refusing = await keep(startFakeNode((channel) => answer(channel, '', 126)));
    const babbling = await keep(startFakeNode((channel) => answer(channel, 'uid=0(root)\n')));
    const unfinished = await keep(startFakeNode((channel) => answer(channel, output(0).slice(0, -30))));
    const broken = await keep(startFakeNode((channel) => channel.close()));
    const foreign = await healthyNode({ accepts: publicKeyOf(newKey()) });
    const good = await Promise.all(
      [1, 2, 3].map(() => healthyNode({ banner: 'Authorised use only!\n'.repeat(50) })),
    );
    const { prober, audit } = await world({ deadlines: { handshakeMs: 700, execMs: 700 } });
    const nodes = {
      deaf,
      closed,
      chatty,
      web,
      hangup,
      talkative,
      frozen,
      refusing,
      babbling,
      unfinished,
      broken,
      foreign,
    };
    const targets = [
      ...Object.entries(nodes).map(([name, node]) => targetOf(name, node)),
      ...good.map((node, i) => targetOf(`good-${i}`, node)),
    ];
    const startMs = performance.now();
    const result = await prober.probe(batchOf(targets));
    expect(outcomes(result)).toEqual([
      'babbling: output/exec',
      'broken: protocol/exec',
      'chatty: output/handshake',
      'closed: unreachable/dial',
      'deaf: timeout/handshake',
      'foreign: auth/handshake',
      'frozen: timeout/exec',
      'good-0: ok',
      'good-1: ok',
      'good-2: ok',
      'hangup: protocol/handshake',
      'refusing: command/exec',
      'talkative: output/exec',
      'unfinished: output/exec',
      'web: protocol/handshake',
    ]);
    expect(result.bastion).toEqual({ ok: true });
    expect(detailOf(result, 'refusing')).toBe('the script ended with code 126');
    expect(detailOf(result, 'talkative')).toBe('cut off after 65536 bytes of output');
    for (const observation of result.observations) {
      if (observation.target.node.startsWith('good')) expect(observation.durationMs).toBeLessThan(600);
    }
    // The slowest is cut off by its deadline, and all run at the same time.
    expect(performance.now() - startMs).toBeLessThan(2_000);
    const outcomeOf = (name: string) => audit.find(({ target }) => target === `c/${name}`)?.outcome;
    expect(
      Object.keys(nodes)
        .map((name) => `${name}: ${outcomeOf(name)}`)
        .sort(),
    ).toEqual(
      outcomes(result)
        .filter((line) => !line.startsWith('good'))
        .map((line) => line.split('/')[0]),
    );
  });

  it('nor when a node sends 100 MB: it is cut off early', async () => {
    let sent = 0;
    const node = await keep(
      startFakeNode((channel) => flood(channel, (bytes) => (sent += bytes), 100 * 2 ** 20)),
    );
    const { prober } = await world();
    const result = await prober.probe(batchOf([targetOf('n', node), targetOf('good', await healthyNode())]));
    expect(outcomes(result)).toEqual(['good: ok', 'n: output/exec']);
    // What fits into windows and buffers on the way.
    expect(sent).toBeLessThan(20 * 2 ** 20);
  });

  it('nor when it floods below the output: greetings and key exchange are bounded as well', async () => {
    const node = await keep(startRawNode((socket) => flood(socket, () => {}, 2 ** 27, 'SSH-2.0-x\r\n')));
    const { prober } = await world();
    const result = await prober.probe(batchOf([targetOf('n', node)]));
    expect(outcomes(result)[0]).toMatch(/^n: (protocol|output)\/handshake$/);
  });

  it('nor when more of them are silent than may be looked at at once', async () => {
    const deaf = await keep(startRawNode(() => {}));
    const { prober } = await world({ concurrency: 4, deadlines: { handshakeMs: 200 } });
    const targets = Array.from({ length: 12 }, (_, i) => targetOf(`deaf-${i}`, deaf));
    const result = await prober.probe(batchOf([...targets, targetOf('good', await healthyNode())]));
    expect(outcomes(result).filter((line) => line === 'good: ok')).toHaveLength(1);
    expect(outcomes(result).filter((line) => line.endsWith(': timeout/handshake'))).toHaveLength(12);
  });

  it('and what a profile prints around the output is ignored', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => {
        channel.stderr.write('stty: standard input: Inappropriate ioctl\nmore\n');
        answer(channel, `*** Welcome ***\nprompt> ${output(count)}\nlogout`);
      }),
    );
    const { prober } = await world();
    const result = await prober.probe(batchOf([targetOf('n', node)]));
    expect(readings(result, 'n')).toMatchObject({ load1: 1, cpu_usage: 50 });
    expect(result.observations[0]?.result).toMatchObject({
      notes: expect.arrayContaining(['stderr: stty: standard input: Inappropriate ioctl']),
    });
  });

  it('and a child that keeps the channel open after the script ended costs a second, not the deadline', async () => {
    const node = await keep(
      startFakeNode((channel, _, count) => {
        channel.write(output(count));
        channel.exit(0);
      }),
    );
    const { prober } = await world({ deadlines: { execMs: 8_000 } });
    const startMs = performance.now();
    expect(outcomes(await prober.probe(batchOf([targetOf('n', node)])))).toEqual(['n: ok']);
    expect(performance.now() - startMs).toBeLessThan(4_000);
  });
});

describe('host keys', () => {
  const other = publicKeyOf(newKey());

  it.each([
    [
      'changed',
      [other],
      'n: host-key/handshake',
      /^host key changed: it shows ssh-ed25519 SHA256:\S+, pinned is ssh-ed25519 SHA256:\S+$/,
    ],
    [
      'unknown',
      [],
      'n: host-key-unknown/handshake',
      /^no host key is pinned; it shows ssh-ed25519 SHA256:\S+; see/,
    ],
  ])('of a node, %s: refused before we log in', async (_, hostKeys, outcome, detail) => {
    const node = await healthyNode();
    const { prober, audit } = await world();
    const result = await prober.probe(batchOf([targetOf('n', node, { hostKeys })]));
    expect(outcomes(result)).toEqual([outcome]);
    expect(detailOf(result, 'n')).toMatch(detail);
    expect(node.logins).toBe(0);
    expect(audit[1]?.hostKeyFingerprint).toMatch(/^SHA256:/);
    expect(audit[1]).not.toHaveProperty('command');
  });

  it.each([
    ['changed', [other], 'host-key'],
    ['unknown', [], 'host-key-unknown'],
  ])('of a bastion, %s: refused, and its nodes are unknown', async (_, hostKeys, reason) => {
    const { prober } = await world({ hostKeys });
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(result.bastion).toMatchObject({ ok: false, failure: { reason, phase: 'bastion' } });
    expect(result.observations).toEqual([]);
    expect(bastion.logins).toBe(0);
  });

  it('are taken from the file of `trust`, read again when it changes', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'known-'));
    const knownHosts = join(dir, 'known_hosts');
    const node = await healthyNode();
    const { prober } = await world({ hostKeys: [] }, { knownHosts });
    const batch = batchOf([targetOf('n', node, { hostKeys: [] })]);
    expect((await prober.probe(batch)).bastion.ok).toBe(false);
    const hop = `[127.0.0.1]:${bastion.port} ${bastion.hostKey}\n`;
    writeFileSync(knownHosts, hop);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: host-key-unknown/handshake']);
    writeFileSync(knownHosts, `${hop}[127.0.0.1%b]:${node.port} ${node.hostKey}\n`);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: ok']);
    writeFileSync(knownHosts, `${hop}[127.0.0.1%b]:${node.port} ${other}\n`);
    expect(outcomes(await prober.probe(batch))).toEqual(['n: host-key/handshake']);
    rmSync(dir, { recursive: true });
  });
});

describe('private keys', () => {
  it('of the cluster open its nodes, that of the bastion the bastion', async () => {
    const own = newKey();
    const node = await healthyNode({ accepts: publicKeyOf(own) });
    const { prober } = await world({}, { clusterKey: 'own', keys: { own } });
    expect(outcomes(await prober.probe(batchOf([targetOf('n', node)])))).toEqual(['n: ok']);
  });

  it('that nobody can use are refused before the first round', async () => {
    await expect(world({}, { keys: { client: 'no key' } })).rejects.toThrow(
      /^private key of bastion b: not a private key/,
    );
  });

  it('that the bastion does not accept are told as such', async () => {
    const { prober } = await world({}, { keys: { client: newKey() } });
    const result = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(result.bastion).toEqual({
      ok: false,
      failure: { reason: 'auth', phase: 'bastion', detail: 'refused our key for user probe' },
    });
  });
});
