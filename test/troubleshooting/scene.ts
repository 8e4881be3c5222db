// Servers that fail in the ways that a new operator meets, and what `check --connect` reports of them.
import { createPrivateKey } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, secretsFor } from '../../cli/config-file.ts';
import { checkConnections } from '../../cli/connect-check.ts';
import type { ConnectRow } from '../../cli/connect-row.ts';
import { newKey, publicKeyOf } from '../../localstack/fleet/new-key.ts';
import { answer, output } from '../node-behaviour.ts';
import {
  type Behaviour,
  CLIENT_KEY,
  type FakeHost,
  startFakeBastion,
  startFakeNode,
  startRawNode,
} from '../ssh-fleet.ts';

export interface Scene {
  /** A folder with `key` (private), `key.pub`, `locked` (with a passphrase), `open` (mode 0644), `text` and `token`. */
  dir: string;
  /** `kind name`, such as `node prod/gone`. */
  rows: ReadonlyMap<string, ConnectRow>;
  close(): Promise<void>;
}

function lockedKey(): string {
  const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;
  return createPrivateKey(CLIENT_KEY).export(locked) as string;
}

const CLOCK = /clock .*/;
const OTHER_KEY = publicKeyOf(newKey());

const probed =
  (aheadMs: number): Behaviour =>
  (channel, _script, count) =>
    answer(channel, output(count).replace(CLOCK, `clock ${((Date.now() + aheadMs) / 1000).toFixed(3)}`));

interface Row {
  name: string;
  port: number;
  hostKey?: string;
  more?: string;
}

const hostText = ({ name, port, hostKey, more = '' }: Row) =>
  `name: ${name}, host: 127.0.0.1, port: ${port}, user: probe, hostKeys: [${hostKey === undefined ? '' : `"${hostKey}"`}]${more}`;
const bastionText = (row: Row) => `  - { ${hostText(row)}, privateKey: "\${file:key}" }\n`;
const clusterText = (name: string, bastion: string, nodes: readonly Row[]) =>
  `  - { name: ${name}, bastion: ${bastion}, nodes: [${nodes.map((node) => `{ role: etcd, ${hostText(node)} }`).join(', ')}] }\n`;

export async function createScene(): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-trouble-'));
  const gate = await startFakeBastion();
  const refusing = await startFakeBastion({ accepts: OTHER_KEY });
  const mute = await startRawNode(() => {});
  const web = await startRawNode((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const fine = await startFakeNode(probed(0), { forwards: false });
  const ahead = await startFakeNode(probed(90_000), { forwards: false });
  const refuses = await startFakeNode(probed(0), { accepts: OTHER_KEY });
  const chatty = await startFakeNode((channel) => answer(channel, 'Welcome!\n', 0));
  const oldLine = await startFakeNode((channel) => answer(channel, '', 126));
  const crowded = await startFakeNode(probed(0));
  crowded.turnAway('Exceeded MaxStartups\r\n');
  const dropped = await startFakeNode(probed(0));
  const forbidden = await startFakeNode(probed(0));
  gate.hold(dropped.port);
  gate.forbid(forbidden.port);
  const hosts: FakeHost[] = [
    ...[gate, refusing, mute, web, fine, ahead, refuses, chatty, oldLine, crowded, dropped, forbidden],
  ];
  const service = createServer((_, response) => response.writeHead(401).end('{}'));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  writeFileSync(join(dir, 'key'), CLIENT_KEY, { mode: 0o600 });
  for (const [name, text, mode] of [
    ['key.pub', publicKeyOf(CLIENT_KEY), 0o644],
    ['locked', lockedKey(), 0o600],
    ['open', CLIENT_KEY, 0o644],
    ['text', 'no key', 0o600],
    ['token', 'expired-token', 0o600],
  ] as const)
    writeFileSync(join(dir, name), text, { mode });
  chmodSync(join(dir, 'open'), 0o644);
  const node = (name: string, { port, hostKey }: FakeHost): Row => ({ name, port, hostKey });
  const one = [node('n', fine)];
  const file = join(dir, 'scene.yaml');
  writeFileSync(
    file,
    `bastions:
${[
  { ...node('gate', gate), more: ', deadlines: { dial: 1s }' },
  { name: 'closed', port: 1 },
  { name: 'unknown', port: gate.port },
  { name: 'changed', port: refusing.port, hostKey: OTHER_KEY },
  node('refusing', refusing),
  node('web', web),
  { ...node('mute', mute), more: ', deadlines: { bastion: 1s }' },
]
  .map(bastionText)
  .join('')}clusters:
${clusterText('prod', 'gate', [
  node('fine', fine),
  node('ahead', ahead),
  node('refuses', refuses),
  node('chatty', chatty),
  node('old-line', oldLine),
  node('crowded', crowded),
  node('dropped', dropped),
  { name: 'unknown', port: fine.port },
  { name: 'gone', port: 1, hostKey: OTHER_KEY },
])}${clusterText('forbidden', 'gate', [node('n', forbidden)])}${['closed', 'unknown', 'changed', 'refusing', 'web', 'mute'].map((name) => clusterText(name, name, one)).join('')}channels:
  - { name: dead, type: webhook, url: "http://127.0.0.1:1/path" }
  - { name: expired, type: mattermost, url: "${url}", token: "\${file:token}", channelId: c1 }
  - { name: unset, type: slack, token: "\${env:BARTIZAN_NEVER_SET}", channel: C1 }
`,
  );
  const { config } = await loadConfig(file);
  const rows = await checkConnections(config, secretsFor(file), { quiet: true });
  return {
    dir,
    rows: new Map(rows.map((row) => [`${row.kind} ${row.name}`, row])),
    async close() {
      gate.release();
      await Promise.all(hosts.map((host) => host.close()));
      service.closeAllConnections();
      service.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
