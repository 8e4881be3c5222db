// Signing with the real ssh-keygen, which comes with sshd's package, and with a real ssh-agent.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pkiScript } from '../adapters/probes/pki/pki.ts';
import { usageScript } from '../adapters/probes/usage/usage.ts';
import { readSignatures } from '../core/signatures/signature-file.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { until } from '../test/openssh/servers.ts';
import { run } from './program.ts';

let dir: string;
let out: string;
let err: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-catalogue-'));
  writeFileSync(join(dir, 'key'), newKey(), { mode: 0o600 });
  configure();
  capture();
});
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

function capture() {
  [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text);
    return true;
  });
}

function configure(checks = '{ name: usage, probe: usage }') {
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: gate.example.net, user: u, privateKey: "\${file:key}" }]
clusters: [{ name: a, bastion: gate, nodes: [{ name: n, role: etcd, host: 10.0.0.1 }] }]
checks: [${checks}]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
signatures: { file: signatures.json }
`,
  );
}

function makeKey(name: string, passphrase = ''): string {
  const path = join(dir, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'x', '-f', path]);
  return path;
}

async function bartizan(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  [out, err] = ['', ''];
  process.exitCode = undefined;
  await run(['node', 'bartizan', ...args, '-c', join(dir, 'c.yaml')]);
  return { code: Number(process.exitCode ?? 0), out, err };
}

const file = () => join(dir, 'signatures.json');
const signatures = () => readSignatures(readFileSync(file(), 'utf8'), 'file');
const sign = (...args: string[]) => bartizan('catalogue', 'sign', ...args);

describe('catalogue sign', () => {
  it('signs every script of release and configuration', async () => {
    configure('{ name: usage, probe: usage }, { name: pki, probe: pki, paths: [/opt/pki] }');
    const before = Math.floor(Date.now() / 1000);
    const { code } = await sign('--key', makeKey('signer'), '--not-after', '30d');
    expect(code).toBe(0);
    expect(out).toMatch(/^7 scripts signed by SHA256:[\w+/]{43}: version \d+, until \d{4}-\d\d-\d\d /);
    const one = signatures().get(pkiScript({ paths: ['/opt/pki'] }).sha256);
    expect(one?.version).toBeGreaterThanOrEqual(before);
    expect(one?.notAfter).toBeGreaterThanOrEqual(before + 30 * 86_400);
    expect(one?.notAfter).toBeLessThanOrEqual((one?.version ?? 0) + 30 * 86_400);
    expect((await bartizan('catalogue', 'list')).code).toBe(0);
    expect(out.match(/ signed /g)).toHaveLength(7);
  });

  it('asks an ssh-agent when it gets the public key', async () => {
    const key = makeKey('signer');
    const socket = join(dir, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await until(() => existsSync(socket));
      vi.stubEnv('SSH_AUTH_SOCK', socket);
      execFileSync('ssh-add', ['-q', key], { stdio: 'ignore' });
      rmSync(key);
      expect((await sign('--key', `${key}.pub`)).code).toBe(0);
      expect(signatures().size).toBe(6);
    } finally {
      agent.kill();
    }
  });

  it('keeps valid signatures of other scripts, and drops expired ones, or all with --replace', async () => {
    const key = makeKey('signer');
    await sign('--key', key);
    const [sample] = signatures().values();
    const other = { ...sample, name: 'old@1', sha256: 'a'.repeat(64) };
    const gone = { ...sample, name: 'gone@1', sha256: 'b'.repeat(64), notAfter: 1_000 };
    const content = JSON.parse(readFileSync(file(), 'utf8'));
    writeFileSync(file(), JSON.stringify({ ...content, signatures: [...content.signatures, other, gone] }));
    await sign('--key', key);
    expect(out).toContain('1 valid signature of other scripts kept');
    expect([signatures().has(other.sha256), signatures().has(gone.sha256)]).toEqual([true, false]);
    await sign('--key', key, '--replace');
    expect(signatures().has(other.sha256)).toBe(false);
  });

  it.each<[what: string, arrange: () => string[], message: RegExp]>([
    [
      'a key that is missing',
      () => ['--key', join(dir, 'none')],
      /ssh-keygen signed nothing: .*No such file/,
    ],
    [
      'a wrong passphrase',
      () => {
        vi.stubEnv('SSH_ASKPASS_REQUIRE', 'force');
        vi.stubEnv('SSH_ASKPASS', '/bin/false');
        return ['--key', makeKey('locked', 'open sesame')];
      },
      /ssh-keygen signed nothing: /,
    ],
    [
      'an agent without the key',
      () => {
        vi.stubEnv('SSH_AUTH_SOCK', join(dir, 'nobody'));
        const key = makeKey('signer');
        rmSync(key);
        return ['--key', `${key}.pub`];
      },
      /ssh-keygen signed nothing: /,
    ],
    [
      'a lower version than before',
      () => {
        const entry = { name: 'usage@2', sha256: usageScript().sha256, version: 2_000_000_000 };
        const format = 'bartizan-signatures-1';
        const one = { ...entry, notAfter: 2_000_000_000, signature: 'AAAA' };
        writeFileSync(file(), JSON.stringify({ format, signatures: [one] }));
        return ['--key', makeKey('signer')];
      },
      /has version 2000000000, and nodes may refuse the lower \d+: is the clock of this machine right/,
    ],
    [
      'a file that something else wrote',
      () => {
        writeFileSync(file(), '{"a": 1}');
        return ['--key', makeKey('signer')];
      },
      /signatures\.json: it is no file of `bartizan catalogue sign`: format: /,
    ],
  ])('%s is an error, and the file stays', async (_, arrange, message) => {
    const args = arrange();
    const before = existsSync(file()) ? readFileSync(file(), 'utf8') : undefined;
    const { code } = await sign(...args);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(existsSync(file()) ? readFileSync(file(), 'utf8') : undefined).toBe(before);
  });

  it.each([
    ['is missing', undefined, /there is no ssh-keygen here: install the client of OpenSSH 8\.1 or newer/],
    [
      'is too old',
      '#!/bin/sh\necho "ssh-keygen: unknown option -- Y" >&2; exit 1\n',
      /cannot sign: install OpenSSH 8\.1/,
    ],
  ])('says when ssh-keygen %s', async (_, program, message) => {
    const key = makeKey('signer');
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    if (program) {
      writeFileSync(join(bin, 'ssh-keygen'), program);
      chmodSync(join(bin, 'ssh-keygen'), 0o755);
    }
    vi.stubEnv('PATH', bin);
    expect(await sign('--key', key)).toMatchObject({ code: 1, err: expect.stringMatching(message) });
  });
});

describe('keys --signed', () => {
  const keys = (...args: string[]) => bartizan('keys', ...args);

  it('prints a line with the public keys and the lowest version, and no hash', async () => {
    const key = makeKey('signer');
    await sign('--key', key, '--script-version', '7');
    const { code } = await keys('--signed', `${key}.pub`, '--json');
    expect(code).toBe(0);
    const { line } = JSON.parse(out).clusters[0];
    const publicKey = readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    expect(line).toContain(`\\"${publicKey}\\"`);
    expect(line).toContain('[ \\"$v\\" -ge 7 ]');
    expect(line).not.toContain(usageScript().sha256);
    // A later signature changes nothing in the line: the lowest version in the file decides.
    const [first] = signatures().values();
    await sign('--key', key, '--script-version', '9');
    const content = JSON.parse(readFileSync(file(), 'utf8'));
    content.signatures.push({ ...first, name: 'old@1', sha256: 'a'.repeat(64) });
    writeFileSync(file(), JSON.stringify(content));
    await keys('--signed', `${key}.pub`, '--json');
    expect(JSON.parse(out).clusters[0].line).toBe(line);
  });

  it.each<[what: string, arrange: (key: string) => string, message: RegExp]>([
    [
      'no signature yet',
      (key) => `${key}.pub`,
      /signatures\.json: there is no such file; `bartizan catalogue sign`/,
    ],
    ['a private key', (key) => key, /this is a private key; the lines of nodes need the public one/],
    [
      'no key',
      (key) => {
        writeFileSync(key, 'hello world\n');
        return key;
      },
      /line 1: this is no public key that can sign/,
    ],
    [
      'a key that would leave its quotation marks',
      (key) => {
        writeFileSync(key, 'ssh-ed25519 AAAA";touch${IFS}x;" a\n');
        return key;
      },
      /line 1: this is no public key that can sign/,
    ],
  ])('refuses %s', async (_, arrange, message) => {
    const { code } = await keys('--signed', arrange(makeKey('signer')));
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });

  it('refuses a key that has not signed, and the one that logs in', async () => {
    await sign('--key', makeKey('signer'));
    await keys('--signed', `${makeKey('other')}.pub`);
    expect(err).toMatch(/is signed by SHA256:\S+, which \S+other\.pub does not have/);
    rmSync(join(dir, 'key'));
    const login = makeKey('key');
    await sign('--key', login);
    const { code } = await keys('--signed', `${login}.pub`);
    expect(code).toBe(1);
    expect(err).toMatch(/the key that logs in to its nodes may sign scripts too/);
  });
});

describe('check', () => {
  it('says which scripts lack a signature, and which one expires first', async () => {
    expect((await bartizan('check')).code).toBe(1);
    expect(out).toMatch(/signatures\.file {2}\S+signatures\.json: there is no such file/);
    const key = makeKey('signer');
    await sign('--key', key, '--not-after', '13d');
    configure('{ name: usage, probe: usage }, { name: pki, probe: pki, paths: [/opt/pki] }');
    expect((await bartizan('check')).code).toBe(0);
    const name = pkiScript({ paths: ['/opt/pki'] }).name;
    expect(out).toContain(`warning: without a signature: ${name}; nodes that verify signatures refuse them`);
    expect(out).toMatch(/warning: the first signature expires 20\d\d-\S+ \S+, in 1[23] days/);
    expect((await bartizan('catalogue', 'list')).code).toBe(1);
    const old = JSON.parse(readFileSync(file(), 'utf8'));
    old.signatures[0].notAfter = 1_000;
    writeFileSync(file(), JSON.stringify(old));
    await bartizan('check');
    expect(out).toMatch(/warning: signatures have expired: /);
    await sign('--key', key, '--not-after', '60d');
    await bartizan('check');
    expect(out).not.toContain('warning');
  });
});
