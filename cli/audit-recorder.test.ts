import { expect, it } from 'vitest';
import type { AuditEntry } from '../core/model/audit.ts';
import { access } from '../test/audit-fixture.ts';
import { createAuditRecorder } from './audit-recorder.ts';

it('each line is written when it comes, and a failure shows at the end', async () => {
  const written: (string | undefined)[] = [];
  let isFull = false;
  const { record, written: ended } = createAuditRecorder({
    async append(entries: readonly AuditEntry[]) {
      if (isFull) throw new Error('full');
      written.push(...entries.map(({ target }) => target));
    },
  });
  record(access(1, { target: 'a/1' }));
  expect(written).toEqual(['a/1']);
  await ended();
  isFull = true;
  record(access(1, { target: 'a/2' }));
  isFull = false;
  record(access(1, { target: 'a/3' }));
  await expect(ended()).rejects.toThrow('full');
  expect(written).toEqual(['a/1', 'a/3']);
});
