import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { access, createAuditFolder } from '../test/audit-fixture.ts';

let folder: ReturnType<typeof createAuditFolder>;
beforeEach(() => {
  folder = createAuditFolder();
});
afterEach(() => folder.stop());

describe('`audit verify`', () => {
  it('finds no audit in a folder without one', async () => {
    expect(await folder.bartizan('audit', 'verify')).toBe(0);
    expect(folder.printed.out).toContain('none');
  });

  it('passes sound audits, and says what is anchored', async () => {
    await folder.write('local', [access(2), access(1)]);
    await folder.write('cli', [access(1, { kind: 'trust' })]);
    expect(await folder.bartizan('audit', 'verify')).toBe(0);
    expect(folder.printed.out.split('\n').map((line) => line.trim())).toEqual([
      expect.stringMatching(/^AUDIT +STATE +LINES +ENTRIES +ANCHOR$/),
      'audit.jsonl              fine   1–2          2  line 2, 2026-11-30 12:00:00',
      'cli/audit.jsonl          fine   1–1          1  line 1, 2026-11-30 12:00:00',
      'cli/actions/audit.jsonl  none                0  none',
      '',
    ]);
  });

  it('shows what is wrong, where, and exits with 1', async () => {
    await folder.write('local', [access(3), access(2), access(1)]);
    writeFileSync(folder.file, readFileSync(folder.file, 'utf8').replace('"sequence":2,', '"sequence":2, '));
    expect(await folder.bartizan('audit', 'verify')).toBe(1);
    expect(folder.printed.out).toMatch(/^audit\.jsonl +broken/m);
    expect(folder.printed.out).toMatch(/^audit\.jsonl +2 {2}changed +changed, or not finished/m);
    expect(await folder.bartizan('audit', 'verify', '--json')).toBe(1);
    const [report] = JSON.parse(folder.printed.out);
    expect(report).toMatchObject({
      state: 'broken',
      ok: false,
      problems: [{ kind: 'changed' }, { kind: 'missing' }],
    });
  });

  it.each([
    ['is gone', () => rmSync(folder.file), /missing or empty, but line 2 was there/],
    [
      'lost its end',
      () => writeFileSync(folder.file, `${readFileSync(folder.file, 'utf8').split('\n')[0]}\n`),
      /ends with line 1/,
    ],
  ])('shows an audit that %s', async (_, tamper, expected) => {
    await folder.write('local', [access(2), access(1)]);
    tamper();
    expect(await folder.bartizan('audit', 'verify')).toBe(1);
    expect(folder.printed.out).toMatch(expected);
  });

  it('shows a new beginning until somebody acknowledges it, which leaves a line', async () => {
    await folder.write('local', [access(2), access(1)]);
    writeFileSync(folder.file, '');
    await folder.write('local', [access(0)]);
    expect(await folder.bartizan('audit', 'verify')).toBe(1);
    expect(folder.printed.out).toMatch(/^audit\.jsonl +fine +3–4/m);
    expect(folder.printed.out).toContain(
      'audit.jsonl began anew at 2026-11-30 12:00:00: audit.jsonl: it is missing or empty',
    );
    expect(folder.printed.out).toContain('Nothing was left to keep.');
    expect(await folder.bartizan('audit', 'acknowledge')).toBe(0);
    expect(folder.printed.out).toBe('acknowledged: audit.jsonl from line 3\n');
    expect(await folder.bartizan('audit', 'verify')).toBe(0);
    await folder.bartizan('audit', 'acknowledge');
    expect(folder.printed.out).toBe('no audit began anew\n');
    await folder.bartizan('audit', 'list', '--kind', 'audit-acknowledged', '--json');
    expect(JSON.parse(folder.printed.out)).toMatchObject({
      subject: 'audit',
      detail: 'audit.jsonl from line 3',
      outcome: 'ok',
    });
  });

  it('verifies a copy elsewhere in itself', async () => {
    await folder.write('local', [access(2), access(1)]);
    const copy = join(folder.dir, 'copies/audit.jsonl');
    mkdirSync(dirname(copy));
    writeFileSync(copy, readFileSync(folder.file));
    expect(await folder.bartizan('audit', 'verify', '--file', copy)).toBe(0);
    expect(folder.printed.out).toContain('unanchored');
    appendFileSync(copy, 'x\n');
    expect(await folder.bartizan('audit', 'verify', '--file', copy)).toBe(1);
  });

  it('is part of `data check`', async () => {
    await folder.write('local', [access(2), access(1)]);
    rmSync(folder.file);
    expect(await folder.bartizan('data', 'check')).toBe(1);
    expect(folder.printed.out).toMatch(
      /^audit\.jsonl +damaged +line 0: it is missing or empty.*`bartizan audit verify` says more/m,
    );
  });

  it('needs no state, and makes none', async () => {
    await folder.write('local', [access(1)]);
    for (const name of readdirSync(folder.dir))
      if (name.startsWith('state.db')) rmSync(join(folder.dir, name));
    expect(await folder.bartizan('audit', 'verify')).toBe(0);
    expect(folder.printed.out).toMatch(/^audit\.jsonl +unanchored/m);
    expect(existsSync(join(folder.dir, 'state.db'))).toBe(false);
  });
});
