// The line of a node that verifies signatures, with real sshd servers and several shells as `sh`.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sentMessage, signedMessage } from '../../core/signatures/signed-script.ts';
import type { Server } from '../../examples/openssh/fleet.ts';
import { dir, fleet, startNode, useServers } from '../../test/openssh/servers.ts';
import { findProgram } from '../../test/program-path.ts';
import { signScripts } from '../signatures/ssh-keygen.ts';
import { unarmoured } from '../signatures/sshsig.ts';
import { MAX_SIGNED_BYTES } from './authorized-keys.ts';
import { parsePrivateKey } from './private-keys.ts';
import { signedKeyLine } from './signed-key-line.ts';

useServers();

const LOWEST = 1_000;
const HOUR = 3_600;
const now = () => Math.floor(Date.now() / 1000);
const SHELLS = { dash: ['dash'], bash: ['bash'], busybox: ['busybox', 'sh'] } as const;
type Shell = keyof typeof SHELLS;
/** What the line executes. */
const PROGRAMS = ['head', 'date', 'ssh-keygen'];
const TEXT = 'echo "$0 ran with $# arguments"\nprintf "%s" "end  "\n\n';

let node: Record<Shell, Server>;
let valid: string;

const scriptOf = (name: string, text: string) => ({
  name,
  text,
  sha256: createHash('sha256').update(text).digest('hex'),
});
const makeKey = (name: string, type = 'ed25519') => {
  const file = join(dir, name);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
  return file;
};
const publicKey = (file: string) => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
const loginKey = () => ({ key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') });
const lineWith = (signers: readonly string[], lowestVersion = LOWEST) =>
  signedKeyLine(loginKey(), { signers: signers.map(publicKey), lowestVersion });
/** The forced command of a line. */
const commandOf = (line: string) =>
  (/command="((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? '').replaceAll('\\"', '"');

interface Header {
  name?: string;
  version?: number;
  notAfter?: number;
}

/** What a node gets of a script. */
async function signed(text = TEXT, header: Header = {}, key = join(dir, 'signer')): Promise<string> {
  const { name = 'test@1', version = LOWEST, notAfter = now() + HOUR } = header;
  const [made] = await signScripts([scriptOf(name, text)], key, { version, notAfter });
  return sentMessage(made?.signature ?? '', signedMessage({ name, version, notAfter }, text));
}

/** A folder for PATH whose `sh` is this shell. `programs` are the others that the line finds. */
function binOf(name: string, shell: Shell, programs: readonly string[] = PROGRAMS): string {
  const bin = join(dir, name);
  mkdirSync(bin);
  const [program, applet] = SHELLS[shell];
  symlinkSync(findProgram(program) as string, join(bin, applet ?? 'sh'));
  for (const one of programs) symlinkSync(findProgram(one) as string, join(bin, one));
  return bin;
}

const startWith = (name: string, bin: string, line: string) =>
  startNode(name, {
    authorizedKeys: `${line}\n`,
    // Whoever wrote a temporary file would fail.
    config: [`SetEnv PATH=${bin} TMPDIR=/nonexistent SHLVL=2`],
  });

/** Sends it as a client would, and returns what came back. */
function send({ host, port }: Server, input: string | Buffer) {
  const options = [
    'StrictHostKeyChecking=no',
    `UserKnownHostsFile=/dev/null`,
    'LogLevel=ERROR',
    'BatchMode=yes',
  ];
  const { status, stdout, stderr } = spawnSync(
    'ssh',
    [
      ...['-F', 'none', '-T', '-i', fleet.key('ed25519'), '-p', `${port}`, '-l', fleet.user],
      ...options.flatMap((option) => ['-o', option]),
      ...[host, 'cat /etc/passwd'],
    ],
    { input, encoding: 'utf8' },
  );
  return { status, stdout, stderr: stderr.trim() };
}

beforeAll(async () => {
  makeKey('signer');
  makeKey('second');
  makeKey('stranger');
  const started = await Promise.all(
    (Object.keys(SHELLS) as Shell[]).map(async (shell) => {
      const line = lineWith([join(dir, 'signer'), join(dir, 'second')]);
      return [shell, await startWith(`signed-${shell}`, binOf(`bin-${shell}`, shell), line)] as const;
    }),
  );
  node = Object.fromEntries(started) as typeof node;
  valid = await signed();
});

describe.each(Object.keys(SHELLS) as Shell[])('%s', (shell) => {
  it('runs the very text that was signed, whatever the client asks for', () => {
    expect(send(node[shell], valid)).toEqual({
      status: 0,
      stdout: 'sh ran with 0 arguments\nend  ',
      stderr: '',
    });
  });

  it('runs three later versions, also of another signer of the line, without an edit', async () => {
    for (const version of [LOWEST + 1, LOWEST + 2, now()]) {
      const upgrade = await signed(`echo version ${version}`, { version });
      expect(send(node[shell], upgrade).stdout).toBe(`version ${version}\n`);
    }
    const other = await signed('echo second', {}, join(dir, 'second'));
    expect(send(node[shell], other).stdout).toBe('second\n');
  });

  const NEVER = 'signature: ';
  it.each<[what: string, sent: () => string | Buffer | Promise<string>, why: string]>([
    ['nothing', () => '', NEVER],
    ['the script without a signature', () => TEXT, NEVER],
    [
      'a changed script',
      () => valid.replace('ran with', 'ran  with'),
      `${NEVER}Signature verification failed`,
    ],
    ['a changed version', () => valid.replace(`version=${LOWEST}`, `version=${LOWEST + 1}`), NEVER],
    ['a later end', () => valid.replace(/until=\d+/, `until=${now() + 9 * HOUR}`), NEVER],
    ['another name', () => valid.replace('name=test@1', 'name=test@2'), NEVER],
    ['text behind the script', () => `${valid}echo more\n`, NEVER],
    ['a line end more', () => `${valid}\n`, NEVER],
    ['a script that is cut off', () => valid.slice(0, -1), NEVER],
    ['a signature that is cut off', () => `${valid.slice(0, 40)} ${valid.split(/ (.*)/s)[1]}`, NEVER],
    ['text before the signature', () => `echo before\n${valid}`, NEVER],
    ['two signatures', () => `${valid.split(' ')[0]} ${valid}`, NEVER],
    ['a signature and a command in front of the script', () => valid.replace('\n', '\necho before\n'), NEVER],
    ['a script of another key', () => signed(TEXT, {}, join(dir, 'stranger')), NEVER],
    ['an expired one', () => signed(TEXT, { notAfter: now() - 1 }), 'valid until '],
    [
      'one that is too old',
      () => signed(TEXT, { version: LOWEST - 1 }),
      `version ${LOWEST - 1} is below ${LOWEST}`,
    ],
    ['a huge header', () => valid.replace('name=', `name=${'n'.repeat(60_000)}`), NEVER],
    ['more than any script', () => signed(`${TEXT}#${'x'.repeat(MAX_SIGNED_BYTES)}\n`), NEVER],
    ['an endless signature', () => `#${'A'.repeat(300_000)}`, `${NEVER}too long`],
    ['bytes that are no text', () => Buffer.from([0, 255, 32, 0, 128, 32, 10, 0]), NEVER],
  ])('refuses %s', async (_, sent, why) => {
    const { status, stdout, stderr } = send(node[shell], await sent());
    expect([status, stdout]).toEqual([126, '']);
    expect(stderr).toContain(`bartizan refuses the script: ${why}`);
  });

  it('refuses the header and signature of one script in front of another', async () => {
    const other = await signed('echo other\n', { name: 'other@1' });
    const [head] = valid.split('\n');
    const [, ...rest] = other.split('\n');
    expect(send(node[shell], [head, ...rest].join('\n'))).toMatchObject({ status: 126, stdout: '' });
    const [signature] = valid.split(' ');
    expect(send(node[shell], other.replace(/^\S+/, signature as string))).toMatchObject({
      status: 126,
      stdout: '',
    });
  });

  it('refuses a signature with our key for another purpose', async () => {
    const message = signedMessage({ name: 'test@1', version: LOWEST, notAfter: now() + HOUR }, TEXT);
    const armoured = execFileSync(
      'ssh-keygen',
      ['-q', '-Y', 'sign', '-f', join(dir, 'signer'), '-n', 'git'],
      { input: message, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const sent = sentMessage(unarmoured(armoured) ?? '', message);
    expect(send(node[shell], sent)).toMatchObject({
      status: 126,
      stdout: '',
      stderr: expect.stringContaining('namespace does not match'),
    });
  });
});

describe('a node that cannot verify', () => {
  it('has no ssh-keygen, or an old one', async () => {
    const line = lineWith([join(dir, 'signer')]);
    const without = await startWith('without', binOf('bin-without', 'dash', ['head', 'date']), line);
    expect(send(without, valid)).toMatchObject({
      status: 126,
      stdout: '',
      stderr: expect.stringMatching(/not found/),
    });
    const bin = binOf('bin-old', 'dash', ['head', 'date']);
    writeFileSync(join(bin, 'ssh-keygen'), '#!/bin/sh\necho "ssh-keygen: unknown option -- Y" >&2; exit 1\n');
    chmodSync(join(bin, 'ssh-keygen'), 0o755);
    const old = await startWith('old', bin, line);
    expect(send(old, valid)).toMatchObject({
      status: 126,
      stdout: '',
      stderr: 'bartizan refuses the script: signature: ssh-keygen: unknown option -- Y',
    });
  });

  it('whose date prints nothing refuses', async () => {
    const bin = binOf('bin-no-date', 'dash', ['head', 'ssh-keygen']);
    const broken = await startWith('no-date', bin, lineWith([join(dir, 'signer')]));
    expect(send(broken, valid)).toMatchObject({ status: 126, stdout: '' });
  });
});

it('every kind of key that OpenSSH signs with', async () => {
  const files = ['ed25519', 'ecdsa', 'rsa'].map((type) => makeKey(`kind-${type}`, type));
  const kinds = await startWith('kinds', binOf('bin-kinds', 'bash'), lineWith(files));
  for (const file of files) {
    const sent = await signed(`echo ${file}`, {}, file);
    expect(send(kinds, sent).stdout).toBe(`${file}\n`);
  }
});

it.each(['dash', 'bash', 'zsh', 'busybox sh'])('with %s as the login shell', async (shell) => {
  const [program = '', ...args] = shell.split(' ');
  const run = (input: string) =>
    spawnSync(program, [...args, '-c', commandOf(lineWith([join(dir, 'signer')]))], {
      input,
      encoding: 'utf8',
    });
  expect(run(valid)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('ran with 0 arguments'),
    stderr: '',
  });
  expect(run(`${valid} `)).toMatchObject({ status: 126, stdout: '' });
});
