import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { licenseOf } from './licenses.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bartizan-licenses-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TEXT = `Copyright (c) 2013 A\n\nPermission is hereby granted${'.'.repeat(200)}`;
it.each<[string, Record<string, string>, string, string]>([
  ['its file', { 'LICENSE.md': `${TEXT}\n`, 'README.md': '# a' }, 'MIT', TEXT],
  ['two files', { LICENCE: TEXT, NOTICE: 'By A' }, 'MIT', `${TEXT}\n\nBy A`],
  ['the README', { 'README.md': `# a\n\n## License\n\n${TEXT}\n\n## Thanks\n\nB\n` }, 'MIT', TEXT],
  ['an underlined title', { 'README.md': `a\n=\n\nLicense\n-------\n\n${TEXT}\n` }, 'MIT', TEXT],
  ['a small title', { 'Readme.md': `## license\n${TEXT}` }, 'MIT', TEXT],
])('the text comes from %s', (_, files, license, text) => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a', version: '1.0.0', license }));
  expect(licenseOf(folder)).toBe(`a 1.0.0 (${license})\n\n${text}`);
});

it('the text of Apache-2.0 is always the same', () => {
  writeFileSync(join(folder, 'package.json'), '{ "name": "a", "version": "1.0.0", "license": "Apache-2.0" }');
  expect(licenseOf(folder)).toMatch(/^a 1\.0\.0 \(Apache-2\.0\)\n\n\s*Apache License[\s\S]+END OF TERMS/);
});

it.each<[object, string]>([
  [{ author: 'Ada <ada@example.com>' }, 'Ada <ada@example.com>'],
  [{ author: { name: 'Ada' } }, 'Ada'],
  [{}, 'the authors of a'],
])('a package that only names MIT has its text, with %j', (more, holder) => {
  writeFileSync(join(folder, 'README.md'), '# a\n\n## License\n\nMIT\n');
  const about = { name: 'a', version: '1.0.0', license: 'MIT', ...more };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(about));
  const [title, copyright, permission] = licenseOf(folder).split('\n\n');
  expect([title, copyright]).toEqual(['a 1.0.0 (MIT)', `Copyright (c) ${holder}`]);
  expect(permission).toMatch(/^Permission is hereby granted, free of charge/);
});

it('no text is an error with the folder', () => {
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "a", "version": "1.0.0", "license": "BSD-3-Clause" }',
  );
  expect(() => licenseOf(folder)).toThrow(`${folder}: it has no text of its licence`);
});
