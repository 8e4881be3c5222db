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
import { readStarts } from '../adapters/audit/chain-state.ts';
import { verifyAudit } from '../adapters/audit/read-chain.ts';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import { lockFolder } from '../local/lock.ts';
import { withAccessAudit } from './access-audit.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { probeFleet } from './probe-fleet.ts';
import { withState } from './state-access.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-access-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

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

const config = () => ({
  store: { type: 'sqlite', path: dir, retentionMs: 0, rollUpRetentionMs: 0, options: {} },
  audit: { keepMs: 1e12, maxBytes: 1e12 },
});
const FILE = 'cli/audit.jsonl';
const entry = (target: string): AuditEntry => ({
  atMs: Date.now(),
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
    await withAccessAudit(config(), async (audit) => {
      await audit.append([entry('a/1')]);
      expect(openFiles()).toEqual([]);
      await withAccessAudit(config(), (other) => other.append([entry('b/1')]));
      await audit.append([entry('a/2')]);
    });
    expect(targets()).toEqual(['a/1', 'b/1', 'a/2']);
    expect(await verifyAudit(join(dir, FILE))).toMatchObject({ ok: true, entries: 3 });
  });

  it('has all lines in one chain when several processes write at the same time', async () => {
    const module = JSON.stringify(join(import.meta.dirname, 'access-audit.ts'));
    const script = `const { withAccessAudit } = await import(${module});
      await withAccessAudit(${JSON.stringify(config())}, async (audit) => {
        for (let i = 0; i < 10; i++) await audit.append([${JSON.stringify(entry('a/1'))}]);
      });`;
    const started = Array.from({ length: 3 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]),
    );
    await Promise.all(started);
    expect(await verifyAudit(join(dir, FILE))).toMatchObject({ ok: true, entries: 30, repaired: 0 });
  });

  it('is closed and unlocked when the command fails', async () => {
    const failing = withAccessAudit(config(), async () => {
      throw new Error('lost');
    });
    await expect(failing).rejects.toThrow('lost');
    expect(openFiles()).toEqual([]);
    lockFolder(join(dir, 'cli')).release();
  });

  it('lets the command access nothing when it cannot be written', async () => {
    await withAccessAudit(config(), async () => {});
    rmSync(join(dir, FILE));
    mkdirSync(join(dir, FILE));
    const run = vi.fn(async () => {});
    await expect(withAccessAudit(config(), run)).rejects.toThrow('EISDIR');
    expect(run).not.toHaveBeenCalled();
    expect(openFiles()).toEqual([]);
    lockFolder(join(dir, 'cli')).release();
  });

  it('keeps lines that cannot be written, and writes them before the next ones', async () => {
    await withAccessAudit(config(), async (audit) => {
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

  it('has its head in the state that `up` made, and begins anew where it does not fit, in words', async () => {
    await openSqliteState({ path: dir }).close();
    await withAccessAudit(config(), (audit) => audit.append([entry('a/1')]));
    const heads = await withState(openSqliteState({ path: dir, readOnly: true }), (state) =>
      state.listAuditHeads(),
    );
    expect(heads).toMatchObject([{ writer: 'cli', sequence: 1 }]);
    writeFileSync(join(dir, FILE), '');
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await withAccessAudit(config(), (audit) => audit.append([entry('a/2')]));
    expect(stderr.mock.calls.join('')).toContain(
      'cli/audit.jsonl did not fit (audit.jsonl: it is missing or empty',
    );
    expect(targets()).toEqual([undefined, 'a/2']);
    await withState(openSqliteState({ path: dir, readOnly: true }), async (state) => {
      const [anchor] = await state.listAuditHeads();
      const starts = await readStarts(state, 'cli');
      expect(starts).toHaveLength(1);
      expect(await verifyAudit(join(dir, FILE), { anchor, starts })).toMatchObject({ ok: true, entries: 1 });
    });
  });

  it('goes on without a state, and with one that it cannot write, and says so', async () => {
    await withAccessAudit(config(), (audit) => audit.append([entry('a/1')]));
    expect(readdirSync(dir)).toEqual(['cli']);
    mkdirSync(join(dir, 'state.db'));
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await withAccessAudit(config(), (audit) => audit.append([entry('a/2')]));
    expect(stderr.mock.calls.join('')).toContain("state does not keep the head of the commands' audit");
    expect(targets()).toEqual(['a/1', 'a/2']);
  });

  it('writes lines that wait when the command ends', async () => {
    await withAccessAudit(config(), async (audit) => void audit.append([entry('a/1')]));
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
    const fleet = await loadFleet(file);
    const targets = await createFileInventory(fleet).list();
    const probing = probeFleet({
      config: fleet,
      secrets: secretsFor(file),
      targets,
      quiet: true,
      kind: 'probe',
    });
    await expect(probing).rejects.toThrow('key');
    expect(openFiles()).toEqual([]);
  });
});
