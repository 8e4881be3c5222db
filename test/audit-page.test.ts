// What docs/audit.md says can be done by hand.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createAuditFile } from '../adapters/audit/file.ts';
import { maintainAudit } from '../adapters/audit/retention.ts';
import { access, createAuditFolder } from './audit-fixture.ts';

const PAGE = readFileSync('docs/audit.md', 'utf8');

/** The indented lines after a heading. */
function scriptAfter(heading: string): string {
  const after = PAGE.slice(PAGE.indexOf(heading));
  const block = /\n\n((?: {4}.*\n)+)/.exec(after)?.[1] ?? '';
  return block.replace(/^ {4}/gm, '');
}

it('the lines of shell that verify a chain find nothing in a sound one, and each line that was changed', async () => {
  const folder = createAuditFolder();
  try {
    const { dir, file } = folder;
    await folder.write(
      'local',
      [1, 2, 3, 4, 5, 6].map((i) => access(i)),
      400,
    );
    const audit = await createAuditFile({ file, writer: 'local' });
    const retention = { keepMs: Number.POSITIVE_INFINITY, maxBytes: 1e12 };
    const { compressed } = await maintainAudit({
      file,
      retention,
      nowMs: 0,
      anchoredSequence: 9,
      mark: audit.mark,
    });
    await audit.close();
    expect(compressed).toBeGreaterThan(1);
    const verify = () =>
      execFileSync('bash', ['-c', scriptAfter('### Verify by hand')], { cwd: dir, encoding: 'utf8' });
    expect(verify()).toBe('');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"bytes":900', '"bytes":901'));
    expect(verify()).toMatch(/^changed: \{"sequence":/);
  } finally {
    folder.stop();
  }
});
