// A folder of a node with certificates, and the script run over it by the shells that nodes have.
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type PkiOutput, parsePki } from '../../../core/parse/pki-output.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { pkiScript } from './pki.ts';

/** A shell, and whether every command of the node is busybox's. */
export const NODES: Readonly<Record<string, readonly [shell: string, onlyBusybox: boolean]>> = {
  dash: ['dash', false],
  bash: ['bash', false],
  'busybox sh': ['busybox sh', false],
  zsh: ['zsh --emulate sh', false],
  'nothing but busybox': ['/bin/busybox sh', true],
};

export interface FolderFixture {
  root: string;
  write(name: string, content: string | Buffer, mode?: number): void;
  /**
   * Runs the script over paths of the folder; by default over all of it. What it prints to stderr fails the test. `before` is
   * what the shell does first.
   */
  run(
    node?: keyof typeof NODES,
    paths?: readonly string[],
    user?: number,
    before?: string,
  ): { text: string; parsed: PkiOutput };
  /** Runs another text in dash. */
  runText(text: string): string;
  close(): void;
}

export function createFolder(): FolderFixture {
  const base = mkdtempSync(join(tmpdir(), 'pki-'));
  chmodSync(base, 0o755);
  const root = join(base, 'etc');
  mkdirSync(root);
  const bin = join(base, 'bin');
  mkdirSync(bin);
  for (const applet of ['sh', 'awk', 'find', 'printf', 'timeout'])
    symlinkSync('/bin/busybox', join(bin, applet));
  return {
    root,
    write(name, content, mode = 0o644) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), content, { mode });
    },
    run(node = 'dash', paths = [''], user, before = '') {
      const [shell, onlyBusybox] = NODES[node] as (typeof NODES)[string];
      const script = pkiScript({ paths: paths.map((path) => (path === '' ? root : join(root, path))) });
      // The script looks for its commands behind what PATH has.
      const { stdout, stderr } = runShell(shell, `${before}\n${script.text}`, {
        env: { PATH: onlyBusybox ? bin : process.env.PATH },
        ...(user !== undefined && { uid: user, gid: user }),
      });
      const parsed = parsePki(stdout);
      if (!parsed || stderr !== '') throw new Error(`not understood: ${stderr}${stdout.slice(0, 2_000)}`);
      return { text: stdout, parsed };
    },
    runText: (text) => runShell('dash', text).stdout,
    close: () => rmSync(base, { recursive: true, force: true }),
  };
}

function runShell(shell: string, input: string, options: SpawnSyncOptions = {}) {
  const [program = '', ...flags] = shell.split(' ');
  return spawnSync(program, flags, { input, timeout: scaledMs(30_000), ...options, encoding: 'utf8' });
}

/** base64 of a PEM block. */
export const bodyOf = (pem: string): string => pem.replace(/-----[^-]*-----/g, '').replace(/\s/g, '');
