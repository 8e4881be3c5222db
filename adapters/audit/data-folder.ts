import { join } from 'node:path';
import type { StateStore } from '../../core/ports.ts';
import type { Anchor } from './chain.ts';
import { readRemovedThrough, readStarts } from './chain-state.ts';
import type { ChainStart } from './open-chain.ts';
import { verifyAudit } from './read-chain.ts';
import type { ChainVerdict } from './verify.ts';

/** Every audit of a data folder: that of `up`, and those of the commands. */
export const AUDITS = [
  { writer: 'local', file: 'audit.jsonl' },
  { writer: 'cli', file: 'cli/audit.jsonl' },
  { writer: 'cli-actions', file: 'cli/actions/audit.jsonl' },
] as const;

export interface AuditReport {
  writer: string;
  file: string;
  /** `unanchored`: sound in itself, and state keeps nothing to compare it with. `none`: never written, as far as state knows. */
  state: 'fine' | 'unanchored' | 'broken' | 'none';
  verdict: ChainVerdict;
  anchor?: Anchor;
  /** New beginnings of the chain that state knows. */
  starts: readonly ChainStart[];
}

/** Verifies every audit of a data folder, also beside a running `up`; without state, each only in itself. @throws errors of state */
export async function verifyDataFolder(
  path: string,
  state: Pick<StateStore, 'listAuditHeads' | 'counters'> | undefined,
): Promise<AuditReport[]> {
  // Before any file: a file that grows meanwhile still has what was anchored.
  const anchors = (await state?.listAuditHeads()) ?? [];
  const reports: AuditReport[] = [];
  for (const { writer, file: name } of AUDITS) {
    const file = join(path, name);
    const anchor = anchors.find((one) => one.writer === writer);
    const starts = state && (await readStarts(state, writer));
    const known = state && starts && { starts, removedThrough: () => readRemovedThrough(state, writer) };
    const verdict = await verifyAudit(file, { anchor, ...known });
    const report = { writer, file, verdict, ...(anchor && { anchor }), starts: starts ?? [] };
    reports.push({ ...report, state: stateOf(verdict, anchor) });
  }
  return reports;
}

function stateOf(verdict: ChainVerdict, anchor: Anchor | undefined): AuditReport['state'] {
  if (!verdict.ok) return 'broken';
  if (anchor !== undefined) return 'fine';
  return verdict.head.sequence === 0 && verdict.unfinished === 0 ? 'none' : 'unanchored';
}
