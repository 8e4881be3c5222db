import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { verifyAudit } from '../adapters/audit/chain.ts';
import { createFileInventory } from '../adapters/inventory/file.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import { lockFolder } from '../local/lock.ts';
import { withAccessAudit } from './access-audit.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { probeFleet } from './probe-fleet.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-access-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Our files below the folder that this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(dir) ? [file] : [];
    } catch {
      return [];
    }
  });
}

const FILE = 'cli/audit.jsonl';
const entry = (target: string): AuditEntry => ({
  atMs: Date.UTC(2026, 0, 2),
  kind: 'tunnel',
  actor: 'cli:test',
  bastion: 'gate',
  target,
  durationMs: 1,
  bytes: 0,
  outcome: 'ok',
});
const targets = () =>
  readFileSync(join(dir, FILE), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).target);

describe('the audit of a command that logs in', () => {
  it('is neither locked nor open while the command runs, so that others run beside it', async () => {
    await withAccessAudit(dir, async (audit) => {
      await audit.append([entry('a/1')]);
      expect(openFiles()).toEqual([]);
      await withAccessAudit(dir, (other) => other.append([entry('b/1')]));
      await audit.append([entry('a/2')]);
    });
    expect(targets()).toEqual(['a/1', 'b/1', 'a/2']);
    expect(await verifyAudit(join(dir, FILE))).toMatchObject({ ok: true, entries: 3 });
  });

  it('has all lines in one chain when several processes write at the same time', async () => {
    const module = JSON.stringify(join(import.meta.dirname, 'access-audit.ts'));
    const script = `const { withAccessAudit } = await import(${module});
      await withAccessAudit(${JSON.stringify(dir)}, async (audit) => {
        for (let i = 0; i < 10; i++) await audit.append([${JSON.stringify(entry('a/1'))}]);
      });`;
    const started = Array.from({ length: 3 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]),
    );
    await Promise.all(started);
    expect(await verifyAudit(join(dir, FILE))).toMatchObject({ ok: true, entries: 30, repaired: 0 });
  });

  it('is closed and unlocked when the command fails', async () => {
    const failing = withAccessAudit(dir, async () => {
      throw new Error('lost');
    });
    await expect(failing).rejects.toThrow('lost');
    expect(openFiles()).toEqual([]);
    lockFolder(join(dir, 'cli')).release();
  });

  it('lets the command access nothing when it cannot be written', async () => {
    await withAccessAudit(dir, async () => {});
    writeFileSync(join(dir, FILE), `${'not ours\n'.repeat(10_000)}`);
    const run = vi.fn(async () => {});
    await expect(withAccessAudit(dir, run)).rejects.toThrow('has an unknown end');
    expect(run).not.toHaveBeenCalled();
    expect(openFiles()).toEqual([]);
    lockFolder(join(dir, 'cli')).release();
  });

  it('keeps lines that cannot be written, and writes them before the next ones', async () => {
    await withAccessAudit(dir, async (audit) => {
      mkdirSync(join(dir, 'cli/kept'));
      renameSync(join(dir, FILE), join(dir, 'cli/kept/audit'));
      mkdirSync(join(dir, FILE));
      await expect(audit.append([entry('a/1')])).rejects.toThrow('EISDIR');
      rmdirSync(join(dir, FILE));
      renameSync(join(dir, 'cli/kept/audit'), join(dir, FILE));
      await audit.append([entry('a/2')]);
      expect(audit.head()).toMatchObject({ writer: 'cli', sequence: 2 });
    });
    expect(targets()).toEqual(['a/1', 'a/2']);
  });

  it('writes lines that wait when the command ends', async () => {
    await withAccessAudit(dir, async (audit) => void audit.append([entry('a/1')]));
    expect(targets()).toEqual(['a/1']);
  });

  it('is closed when a key cannot be used before the first access', async () => {
    writeFileSync(join(dir, 'key'), 'no key', { mode: 0o600 });
    const file = join(dir, 'bartizan.yaml');
    writeFileSync(
      file,
      `
bastions: [{ name: gate, host: 127.0.0.1, port: 1, user: probe, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, user: probe }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
store: { path: ${dir} }
`,
    );
    const config = await loadFleet(file);
    const targets = await createFileInventory(config).list();
    const probing = probeFleet({ config, secrets: secretsFor(file), targets, quiet: true, kind: 'probe' });
    await expect(probing).rejects.toThrow('key');
    expect(openFiles()).toEqual([]);
  });
});
