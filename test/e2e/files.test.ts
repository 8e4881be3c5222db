// How the commands treat the modes of files. These tests connect to nothing.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lockFolder } from '../../local/lock.ts';
import { newKey } from '../../localstack/fleet/new-key.ts';

const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));
let dir: string;
let lock: ReturnType<typeof lockFolder>;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-files-'));
  writeFileSync(key(), newKey(), { mode: 0o600 });
  lock = lockFolder(data());
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: probe, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, user: probe }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: data }
server: { listen: "127.0.0.1:0" }
`,
  );
});
afterAll(() => {
  lock.release();
  rmSync(dir, { recursive: true });
});

const data = () => join(dir, 'data');
const key = () => join(dir, 'key');

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { cwd: dir }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

describe('files that others can write or read', () => {
  afterEach(() => {
    chmodSync(data(), 0o700);
    chmodSync(key(), 0o600);
  });

  it('cause a warning of `check`, and one line in the log of `up`', async () => {
    chmodSync(data(), 0o777);
    chmodSync(key(), 0o640);
    const checked = await run('check');
    expect(checked.out.match(/can be written by everybody \(mode 0777\)/g)).toHaveLength(1);
    expect(checked.out).toContain('the group of the file may use this private key (mode 0640)');
    expect(checked.code).toBe(0);
    // Another process has the folder, so this `up` warns and exits.
    const { code, out, err } = await run('up');
    expect(code).toBe(1);
    expect(`${out}${err}`.match(/can be written by everybody \(mode 0777\)/g)).toHaveLength(1);
    expect(`${out}${err}`.match(/the group of the file may use this private key/g)).toHaveLength(1);
  });

  it('stop `check` and `probe` when the file is a private key that others may read', async () => {
    chmodSync(key(), 0o644);
    const checked = await run('check');
    expect(checked.code).toBe(1);
    expect(checked.out).toContain(
      'others than its owner may use this private key (mode 0644); it is refused',
    );
    const probed = await run('probe');
    expect(probed.code).toBe(1);
    expect(probed.err).toMatch(/\(mode 0644\); run `chmod 600 .*\/key`\n$/);
  });
});
