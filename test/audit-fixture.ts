// A data folder with audits, for tests of the commands that read them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { chainKeeper } from '../adapters/audit/chain-state.ts';
import { AUDITS } from '../adapters/audit/data-folder.ts';
import { createAuditFile } from '../adapters/audit/file.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { run } from '../cli/program.ts';
import { withState } from '../cli/state-access.ts';
import type { AuditAction, AuditEntry } from '../core/model/audit.ts';

export const NOW = Date.UTC(2026, 10, 30, 12);
export const HOUR = 3_600_000;

export function access(hoursAgo: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    atMs: NOW - hoursAgo * HOUR,
    kind: 'probe',
    actor: 'bartizan',
    bastion: 'seoul',
    target: 'prod/n1',
    durationMs: 12,
    bytes: 900,
    outcome: 'ok',
    ...more,
  };
}

/** The clock stands at NOW until `stop`. */
export function createAuditFolder() {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-cli-audit-'));
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `bastions: [{ name: b, host: b, user: u, privateKey: "\${file:k}" }]
clusters: [{ name: c, bastion: b, nodes: [{ name: n, role: etcd, host: h }] }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
schedule: { timeZone: UTC }
store: { path: . }
`,
  );
  const printed = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed.err += String(text);
    return true;
  });
  return {
    dir,
    /** The audit of `up`. */
    file: join(dir, 'audit.jsonl'),
    printed,
    /** Runs a command line; returns its exit code. */
    async bartizan(...args: string[]): Promise<number> {
      Object.assign(printed, { out: '', err: '' });
      process.exitCode = undefined;
      await run(['node', 'bartizan', ...args, '-c', join(dir, 'bartizan.yaml')]);
      return Number(process.exitCode ?? 0);
    },
    /** Targets of the lines that were printed as JSON. */
    targets: (): unknown[] =>
      printed.out
        .trimEnd()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line).target])),
    /** Writes into the audit of a writer, and lets state keep the head. */
    async write(
      writer: 'local' | 'cli' | 'cli-actions',
      entries: readonly (AuditEntry | AuditAction)[],
      rotateAtBytes = 1e6,
    ): Promise<void> {
      const name = AUDITS.find((one) => one.writer === writer)?.file ?? '';
      await withState(openSqliteState({ path: dir }), async (state) => {
        const keeper = chainKeeper(state, writer);
        const file = join(dir, name);
        const audit = await createAuditFile({ file, writer, keeper, gatherMs: 0, rotateAtBytes });
        for (const entry of entries) await audit.append([entry]);
        const { sequence, hash } = audit.head();
        await state.putAuditHead(writer, { sequence, hash, atMs: NOW });
        await audit.close();
      });
    },
    stop(): void {
      vi.restoreAllMocks();
      vi.useRealTimers();
      process.exitCode = undefined;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
