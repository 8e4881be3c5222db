import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { usage } from '../adapters/probes/usage/usage.ts';
import { newKey, publicKeyOf } from '../localstack/fleet/new-key.ts';
import { keysCommand } from './keys.ts';

let dir: string;
let printed: string;
const [gateKey, nodesKey] = [newKey(), newKey()];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-keys-'));
  writeFileSync(join(dir, 'gate'), gateKey);
  writeFileSync(join(dir, 'nodes'), nodesKey);
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: gate.example.net, user: probe, privateKey: "\${file:gate}" }]
clusters:
  - { name: a, bastion: gate, privateKey: "\${file:nodes}", nodes: [{ name: n1, role: etcd, host: 10.0.0.1 }, { name: n2, role: etcd, host: "fd00::2", port: 2222 }] }
  - { name: b, bastion: gate, nodes: [{ name: n1, role: etcd, host: 10.0.0.9, user: core }] }
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
`,
  );
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});
const run = (...args: string[]) =>
  keysCommand().parseAsync(['--config', join(dir, 'c.yaml'), ...args], { from: 'user' });

it('prints what the bastion and the nodes of each cluster need, with the key that is used there', async () => {
  await run('--json');
  const { bastions, clusters } = JSON.parse(printed);
  const places = ['10.0.0.1:22', '[fd00::2]:2222', '10.0.0.9:22'].map((place) => `permitopen="${place}"`);
  expect(bastions).toEqual([
    {
      name: 'gate',
      user: 'probe',
      host: 'gate.example.net',
      line: `restrict,port-forwarding,${places.join(',')} ${publicKeyOf(gateKey)} bartizan`,
    },
  ]);
  expect(clusters).toMatchObject([
    { name: 'a', users: ['probe'] },
    { name: 'b', users: ['core'] },
  ]);
  expect(clusters[0].line).toMatch(/^restrict,command="s=\$\(cat; echo x\);.* exit 126;; esac" ssh-ed25519 /);
  expect(clusters[0].line).toContain(`in ${usage.script.sha256})`);
  expect(clusters[0].line).toContain(publicKeyOf(nodesKey));
  expect(clusters[1].line).toContain(publicKeyOf(gateKey));
});

it('says where each line belongs, and shows nothing of a private key', async () => {
  await run();
  expect(printed.match(/^#.*$/gm)).toEqual([
    '# bastion gate: ~probe/.ssh/authorized_keys on gate.example.net',
    '# nodes of a: authorized_keys of probe',
    '# nodes of b: authorized_keys of core',
  ]);
  for (const line of `${gateKey}${nodesKey}`.split('\n').filter((text) => text.length > 20)) {
    expect(printed).not.toContain(line);
  }
});
