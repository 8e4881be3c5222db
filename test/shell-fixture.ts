// A folder in which `bartizan` is found by its name, as after an installation, for tests of completion.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { completionScript, SHELLS } from '../cli/completion-scripts.ts';

export interface ShellFixture {
  /** The output of a script of that shell. Rejects when it fails or prints an error. */
  run(shell: string, script: string): Promise<string>;
  close(): void;
}

export function createShellFixture(): ShellFixture {
  const bin = fileURLToPath(new URL('../bin/bartizan.ts', import.meta.url));
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-completion-'));
  writeFileSync(join(dir, 'bartizan'), `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`);
  chmodSync(join(dir, 'bartizan'), 0o755);
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `bastions: [{ name: gate, host: h, user: u, privateKey: "\${env:K}" }]
clusters: [{ name: 한빛, bastion: gate, nodes: [{ name: 노드-1, role: etcd, host: h, user: u }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
`,
  );
  writeFileSync(join(dir, 'broken.yaml'), 'bastions: [');
  for (const shell of SHELLS) writeFileSync(join(dir, `completion.${shell}`), completionScript(shell));
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}`, LC_ALL: 'C.UTF-8' };
  return {
    run(shell, script) {
      return new Promise((resolve, reject) => {
        execFile(shell, ['-c', script], { cwd: dir, env }, (error, out, err) => {
          if (error || err !== '') reject(new Error(`${err}${error?.message ?? ''}`));
          else resolve(out.trimEnd());
        });
      });
    },
    close: () => rmSync(dir, { recursive: true }),
  };
}
