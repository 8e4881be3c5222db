// Outside of a checkout npx would run a package of that name on the public registry, which is not ours.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('no document, message or comment makes people run `npx` with the name of the program', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  })
    .split('\n')
    .filter((name) => /\.(md|ts|mjs|sh|ya?ml|json|service)$|\/[^.]+$/.test(name) && name !== 'CHANGELOG.md');
  expect(files.length).toBeGreaterThan(500);
  const found = files.filter((name) => /npx (--?\S+ )*bartizan/.test(readFileSync(name, 'utf8')));
  expect(found).toEqual([]);
});
