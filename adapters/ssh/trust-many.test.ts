import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/model/audit.ts';
import { bastionConfig, targetOf } from '../../test/prober-fixture.ts';
import { bastion, healthyNodes, keep, useBastion } from '../../test/prober-fleet.ts';
import { CLIENT_KEY, startFakeBastion, startRawNode } from '../../test/ssh-fleet.ts';
import { learnHostKeys, type ScannedKey } from './trust.ts';

useBastion();

const COUNT = 500;
let dir: string;
let knownHosts: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-many-'));
  knownHosts = join(dir, 'known_hosts');
});
afterEach(() => rmSync(dir, { recursive: true }));

const text = () => {
  try {
    return readFileSync(knownHosts, 'utf8');
  } catch {
    return '';
  }
};

type Options = Parameters<typeof learnHostKeys>[0];

function learn(options: Partial<Options> & Pick<Options, 'targets'>) {
  const audit: AuditEntry[] = [];
  const made = bastionConfig(bastion, { hostKeys: [], deadlines: { handshakeMs: 2_000 } });
  const report = learnHostKeys({
    config: { bastions: [made], clusters: [] },
    secrets: { resolve: async (name) => (name === 'client' ? CLIENT_KEY : name), redact: (value) => value },
    fleet: options.targets,
    knownHosts,
    ask: async () => true,
    audit: (entry) => void audit.push(entry),
    actor: 'test',
    nowMs: () => 0,
    ...options,
  });
  return report.then((done) => ({ ...done, audit }));
}

it(`learns ${COUNT} nodes in one write, lists those that failed, and has nothing to do the second time`, async () => {
  const nodes = await healthyNodes(COUNT);
  const silent = await keep(startRawNode(() => {}));
  const noSsh = await keep(startRawNode((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
  const gone = { host: '127.0.0.1', port: 1, hostKey: '' };
  const all = [...nodes, silent, noSsh, gone];
  const targets = all.map((node, i) => targetOf(`n${i}`, node, { hostKeys: [] }));
  writeFileSync(knownHosts, '# kept as it is\n');
  const whileAsked = new Set<string>();
  const progress: number[] = [];
  const { shown, failed, audit } = await learn({
    targets,
    ask: async () => {
      whileAsked.add(text());
      return true;
    },
    onScanned: (done, total) => progress.push(done, total),
  });
  expect(shown.map(({ outcome }) => outcome)).toEqual(Array(COUNT + 1).fill('learned'));
  expect(failed.map(({ what, reason }) => `${what} ${reason}`)).toEqual([
    `c/n${COUNT} timeout`,
    `c/n${COUNT + 1} protocol`,
    `c/n${COUNT + 2} unreachable`,
  ]);
  for (const { detail } of failed) expect(detail).not.toBe('');
  expect(progress.slice(-2)).toEqual([COUNT + 3, COUNT + 3]);
  expect(audit).toHaveLength(COUNT + 4);
  // The file changed once, and not before the last question.
  expect([...whileAsked]).toEqual(['# kept as it is\n']);
  const lines = text().trimEnd().split('\n');
  expect(lines[0]).toBe('# kept as it is');
  expect(lines.slice(1).sort()).toEqual(
    [
      `[127.0.0.1]:${bastion.port} ${bastion.hostKey}`,
      ...nodes.map(({ port, hostKey }) => `[127.0.0.1%b]:${port} ${hostKey}`),
    ].sort(),
  );

  const before = statSync(knownHosts);
  const asked: ScannedKey[] = [];
  const again = await learn({
    targets: targets.slice(0, COUNT),
    ask: async (key) => asked.push(key) > 0,
  });
  expect([asked, again.failed]).toEqual([[], []]);
  expect(new Set(again.shown.map(({ outcome }) => outcome))).toEqual(new Set(['already known']));
  expect([statSync(knownHosts).ino, text()]).toEqual([before.ino, `${lines.join('\n')}\n`]);
});

it('keeps what was accepted when it ends early', async () => {
  const targets = (await healthyNodes(3)).map((node, i) => targetOf(`n${i}`, node, { hostKeys: [] }));
  let count = 0;
  const failed = learn({
    targets,
    ask: async () => {
      if (++count > 3) throw new Error('enough');
      return true;
    },
  });
  await expect(failed).rejects.toThrow('enough');
  expect(text().trimEnd().split('\n')).toHaveLength(3);
});

it('goes on behind another bastion when one fails, and reports what it did not scan', async () => {
  const [node] = await healthyNodes(1);
  const other = await keep(startFakeBastion());
  const dead = { ...bastionConfig(other, { hostKeys: [] }), name: 'dead', port: 1 };
  const keyless = { ...bastionConfig(other, { hostKeys: [] }), name: 'keyless', privateKey: 'no key' };
  const { shown, failed } = await learn({
    config: { bastions: [dead, keyless, bastionConfig(bastion, { hostKeys: [] })], clusters: [] },
    targets: [
      targetOf('n0', node as never, { bastion: 'dead' }),
      targetOf('n1', node as never, { bastion: 'keyless' }),
      targetOf('n2', node as never, { hostKeys: [] }),
    ],
  });
  expect(shown.map(({ what, outcome }) => `${what} ${outcome}`)).toEqual([
    'bastion b learned',
    'c/n2 learned',
  ]);
  expect(failed.map(({ what, reason, detail }) => `${what} ${reason}: ${detail}`).sort()).toEqual([
    'bastion dead bastion: one node behind it was not looked at',
    'bastion dead unreachable: nothing listens on 127.0.0.1:1 (ECONNREFUSED)',
    'bastion keyless bastion: one node behind it was not looked at',
    'bastion keyless config: private key of bastion keyless: not a private key in OpenSSH or PEM format',
  ]);
});

it('learns nodes through another bastion of theirs while the first is dead', async () => {
  const [node] = await healthyNodes(1);
  if (!node) throw new Error('there is no node');
  const dead = { ...bastionConfig(bastion, { hostKeys: [] }), name: 'dead', port: 1 };
  const live = bastionConfig(bastion, { name: 'live', hostKeys: [] });
  const { shown, failed } = await learn({
    config: { bastions: [dead, live], clusters: [] },
    targets: [targetOf('n0', node, { hostKeys: [], bastion: 'dead', otherBastions: ['live'] })],
  });
  expect(shown.map(({ what, outcome }) => `${what} ${outcome}`)).toEqual([
    'bastion live learned',
    'c/n0 learned',
  ]);
  expect(failed.map(({ what, reason }) => `${what} ${reason}`)).toEqual(['bastion dead unreachable']);
});
