import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileInventory } from '../adapters/inventory/file.ts';
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

describe('the audit of a command that logs in', () => {
  it('is open while the command runs, and is closed and unlocked when the command fails', async () => {
    const failing = withAccessAudit(dir, async () => {
      expect(openFiles()).toContain(join(dir, 'cli/audit.jsonl'));
      throw new Error('lost');
    });
    await expect(failing).rejects.toThrow('lost');
    expect(openFiles()).toEqual([]);
    lockFolder(join(dir, 'cli')).release();
  });

  it('releases the lock when the audit cannot be opened', async () => {
    await withAccessAudit(dir, async () => {});
    writeFileSync(join(dir, 'cli/audit.jsonl'), `${'not ours\n'.repeat(10_000)}`);
    await expect(withAccessAudit(dir, async () => {})).rejects.toThrow('has an unknown end');
    expect(openFiles()).toEqual([]);
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
