import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const PAGE = readFileSync('docs/security.md', 'utf8');
const ROWS = PAGE.split('\n').filter((line) => line.startsWith('| ') && line.split('|').length === 7);

it('each row about a stolen secret names tests that exist', () => {
  const [head, , ...rows] = ROWS;
  expect(head).toContain('| proved by |');
  expect(rows.length).toBeGreaterThan(15);
  const unproved = rows.filter((row) => {
    const named = [...(row.split('|')[5] ?? '').matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
    return named.length === 0 || !named.every((path) => existsSync(path));
  });
  // Whoever is our user has what we have.
  expect(unproved.map((row) => row.split('|')[1]?.trim())).toEqual([
    'a login on the monitoring machine as our user',
  ]);
});
