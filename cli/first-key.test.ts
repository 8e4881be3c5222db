import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { parsePrivateKey } from '../adapters/ssh/private-keys.ts';
import { newKey, publicKeyOf } from '../localstack/fleet/new-key.ts';
import { readFirstKey, usualKey } from './first-key.ts';

const KEY = newKey();
const LOCKED = createPrivateKey(KEY).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'open sesame',
}) as string;

let dir: string;
let agent: Server | undefined;
const path = (name: string) => join(dir, name);

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-key-'));
  mkdirSync(path('.ssh'));
  for (const [name, text, mode] of [
    ['key', KEY, 0o600],
    ['open', KEY, 0o644],
    ['locked', LOCKED, 0o600],
    ['locked.pub', `${publicKeyOf(KEY)} comment\n`, 0o644],
    ['key.pub', `${publicKeyOf(KEY)} comment\n`, 0o644],
    ['text', 'not a key', 0o644],
    ['bare', LOCKED, 0o600],
    ['large', 'x'.repeat(100_000), 0o600],
  ] as const)
    writeFileSync(path(name), text, { mode });
  chmodSync(path('open'), 0o644);
  execFileSync('mkfifo', [path('pipe')]);
});
afterEach(async () => {
  await new Promise((done) => (agent ? agent.close(done) : done(undefined)));
  agent = undefined;
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('is named as it was given, or from the folder of the configuration', async () => {
  const here = relative('', path('key'));
  expect(await readFirstKey(path('key'), 'bartizan.yaml')).toEqual({ file: path('key') });
  expect(await readFirstKey(here, path('bartizan.yaml'))).toEqual({ file: 'key' });
  expect(await readFirstKey(here, path('.ssh/bartizan.yaml'))).toEqual({ file: path('key') });
});

it('of the home folder is the usual one, when it is there', async () => {
  vi.stubEnv('HOME', dir);
  expect(homedir()).toBe(dir);
  expect(await usualKey()).toBeUndefined();
  writeFileSync(path('.ssh/id_rsa'), newKey('rsa'), { mode: 0o600 });
  expect(await usualKey()).toBe('~/.ssh/id_rsa');
  writeFileSync(path('.ssh/id_ed25519'), KEY, { mode: 0o600 });
  expect(await usualKey()).toBe('~/.ssh/id_ed25519');
  expect(await readFirstKey('~/.ssh/id_ed25519', 'x.yaml')).toEqual({ file: '~/.ssh/id_ed25519' });
});

it.each([
  ['', 'no path that a configuration can name'],
  ['a}b', 'no path that a configuration can name'],
  ['missing', 'there is no such file'],
  ['.ssh', 'it is a folder'],
  ['text', 'not a private key in OpenSSH or PEM format'],
  ['key.pub', 'this is a public key; the private one is needed'],
  ['large', 'it is no private key: too large'],
  ['pipe', 'it is no file'],
  ['open', 'others than its owner may use this private key (mode 0644); run `chmod 600 '],
])('%j is refused: %s', async (name, why) => {
  const failed = readFirstKey(name === '' ? '' : path(name), 'x.yaml');
  await expect(failed).rejects.toThrow(why);
});

it('with a passphrase is that of the ssh-agent, if it holds it; else the error says what to do', async () => {
  const advice = 'protected by a passphrase: `ssh-add ';
  for (const socket of ['', path('nobody')]) {
    vi.stubEnv('SSH_AUTH_SOCK', socket);
    await expect(readFirstKey(path('locked'), 'x.yaml')).rejects.toThrow(advice);
  }
  const held: ssh2.ParsedKey[] = [parsePrivateKey(newKey('ec'), 'other')];
  agent = createServer((connection) => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on('identities', (request) => protocol.getIdentitiesReply(request, held));
    connection.pipe(protocol).pipe(connection);
  });
  await new Promise<void>((done) => agent?.listen(path('agent'), done));
  vi.stubEnv('SSH_AUTH_SOCK', path('agent'));
  await expect(readFirstKey(path('locked'), 'x.yaml')).rejects.toThrow(advice);
  held.push(parsePrivateKey(KEY, 'ours'));
  const agentHolds = publicKeyOf(KEY);
  expect(await readFirstKey(path('locked'), 'x.yaml')).toEqual({ agentHolds });
  // The private half may be in the agent alone.
  expect(await readFirstKey(path('key.pub'), 'x.yaml')).toEqual({ agentHolds });
  await expect(readFirstKey(path('bare'), 'x.yaml')).rejects.toThrow('ssh-keygen -yf ');
});
