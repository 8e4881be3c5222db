import { join } from 'node:path';
import { globMatches } from '../../core/labels.ts';
import type { AuditFilter } from '../../core/model/audit.ts';
import { AUDITS } from './data-folder.ts';
import { type AuditQuery, type AuditRecord, type FoundRecords, findNewest } from './search.ts';

/** The newest matching lines of all audits of a data folder, `limit` at most. */
export async function findLines(folder: string, filter: AuditFilter, limit: number): Promise<FoundRecords> {
  const found: FoundRecords[] = [];
  for (const { file } of AUDITS) found.push(await findNewest(join(folder, file), queryOf(filter), limit));
  const all = found.flatMap(({ records }) => records).sort((a, b) => a.atMs - b.atMs);
  return {
    records: all.slice(-limit),
    unreadable: found.reduce((sum, one) => sum + one.unreadable, 0),
    isCut: all.length > limit || found.some(({ isCut }) => isCut),
  };
}

/** The query of a filter. Without `since` it reaches back to the first line. */
export function queryOf(filter: AuditFilter): AuditQuery {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter;
  return { fromMs: since, toMs: until, matches: (record) => matches(filter, record) };
}

function matches(filter: AuditFilter, { fields }: AuditRecord): boolean {
  const text = (name: string) => (typeof fields[name] === 'string' ? [fields[name]] : []);
  const [target] = text('target');
  const nodes = target === undefined ? [] : [target, ...target.split('/')];
  return (
    isWanted(filter.node, nodes) &&
    isWanted(filter.bastion, text('bastion')) &&
    isWanted(filter.actor, [...text('actor'), ...text('unverifiedActor')]) &&
    isWanted(filter.kind, [...text('kind'), ...text('action'), ...text('event')]) &&
    isWanted(filter.outcome, text('outcome'))
  );
}

/** Whether one of the globs matches one of the texts; a glob with `!` matches where a text is there and does not match. */
function isWanted(globs: readonly string[] | undefined, texts: readonly string[]): boolean {
  if (globs === undefined) return true;
  return globs.some((glob) =>
    glob.startsWith('!')
      ? texts.length > 0 && texts.every((text) => !globMatches(glob.slice(1), text))
      : texts.some((text) => globMatches(glob, text)),
  );
}
