import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../core/errors.ts';
import { LONGEST_SIGNATURE, type ScriptSignature } from '../../core/signatures/signature-file.ts';
import { NAMESPACE, type SignedHeader, signedMessage } from '../../core/signatures/signed-script.ts';
import type { Script } from '../ssh/command.ts';
import { oneLine } from '../ssh/failure.ts';
import { unarmoured } from './sshsig.ts';

/** Somebody may have to type a passphrase, or to touch a security key for each script. */
const SIGN_MS = 10 * 60_000;
const MOST_STDERR_BYTES = 64 * 1024;

/**
 * Signs scripts with `ssh-keygen -Y sign`, which asks for a passphrase by itself. `keyFile` is a private key, or a public
 * one whose private half an ssh-agent or a security key holds. The private key never comes into this process.
 * @throws ConfigError with ssh-keygen's reason
 */
export async function signScripts(
  scripts: readonly Pick<Script, 'name' | 'sha256' | 'text'>[],
  keyFile: string,
  { version, notAfter }: Pick<SignedHeader, 'version' | 'notAfter'>,
): Promise<ScriptSignature[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bartizan-sign-'));
  try {
    const files = scripts.map((_, i) => join(dir, `${i}`));
    for (const [i, { name, text }] of scripts.entries())
      await writeFile(files[i] as string, signedMessage({ name, version, notAfter }, text));
    if (files.length > 0) await runKeygen(['-Y', 'sign', '-f', keyFile, '-n', NAMESPACE, ...files]);
    const signed: ScriptSignature[] = [];
    for (const [i, { name, sha256 }] of scripts.entries()) {
      const signature = unarmoured(await readFile(`${files[i]}.sig`, 'latin1'));
      if (signature === undefined) throw new ConfigError(`ssh-keygen wrote no signature of ${name}`);
      if (signature.length > LONGEST_SIGNATURE)
        throw new ConfigError(`${keyFile}: its signatures are too long; use an ed25519 key`);
      signed.push({ name, sha256, version, notAfter, signature });
    }
    return signed;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Its prompts go to the terminal. @throws ConfigError */
function runKeygen(args: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn('ssh-keygen', args, { stdio: ['inherit', 'ignore', 'pipe'] });
  const timer = setTimeout(() => child.kill(), SIGN_MS);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < MOST_STDERR_BYTES) stderr += chunk.toString('utf8');
  });
  child.on('error', (cause: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    const why =
      cause.code === 'ENOENT'
        ? 'there is no ssh-keygen here: install the client of OpenSSH 8.1 or newer'
        : `ssh-keygen cannot be started: ${cause.message}`;
    reject(new ConfigError(why, { cause }));
  });
  child.on('close', (code, signal) => {
    clearTimeout(timer);
    if (code === 0) resolve();
    else reject(new ConfigError(explain(stderr, signal)));
  });
  return promise;
}

function explain(stderr: string, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `ssh-keygen was ended by ${signal}; no script is signed`;
  if (/(unknown|illegal|invalid) option -- '?Y/.test(stderr))
    return 'this ssh-keygen cannot sign: install OpenSSH 8.1 or newer';
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Signing file '));
  return `ssh-keygen signed nothing: ${oneLine(lines.join('; ')) || 'it does not say why'}`;
}
