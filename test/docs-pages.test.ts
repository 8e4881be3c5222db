// Pages of docs/: all are in the index, what they link to exists, and so do the commands that they name.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { KINDS } from '../adapters/registry.ts';
import { createProgram } from '../cli/program.ts';
import { parseConfig } from '../core/config/parse.ts';
import manifest from '../package.json' with { type: 'json' };

const PAGES = globSync(['*.md', 'docs/**/*.md', 'packaging/**/*.md']).sort();
const text = (page: string) => readFileSync(page, 'utf8');
/** Without examples, which may look like links. */
const prose = (page: string) => text(page).replace(/^```[\s\S]*?^```|^ {4}.*$/gm, '');

interface Link {
  page: string;
  to: string;
  anchor: string | undefined;
}

const LINKS: readonly Link[] = PAGES.flatMap((page) =>
  [...prose(page).matchAll(/\]\(([^)\s#]*)(?:#([^)\s]+))?\)/g)]
    .filter(([, to = '']) => !/^[a-z]+:/.test(to))
    .map(([, to = '', anchor]) => ({
      page,
      to: to === '' ? page : normalize(join(dirname(page), to)),
      anchor,
    })),
);

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings = [...text(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

it('every page is in docs/index.md, those of rules in docs/runbook.md', () => {
  const linkedFrom = (page: string) =>
    new Set(LINKS.filter((link) => link.page === page).map(({ to }) => to));
  const [index, runbook] = [linkedFrom('docs/index.md'), linkedFrom('docs/runbook.md')];
  const pages = globSync('docs/**/*.md').filter((page) => page !== 'docs/index.md');
  expect(pages.length).toBeGreaterThan(60);
  expect(pages.filter((page) => !(page.startsWith('docs/runbook/') ? runbook : index).has(page))).toEqual([]);
  expect(linkedFrom('README.md')).toContain('docs/index.md');
});

it('every link leads to a file, and to a heading of it', () => {
  expect(LINKS.length).toBeGreaterThan(100);
  const broken = LINKS.filter(
    ({ to, anchor }) =>
      !existsSync(to) || (anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

it('every command and option that a page names exists', async () => {
  const program = await createProgram();
  const optionsOf = (command: Command) => command.options.flatMap(({ short, long }) => [short, long]);
  const unknown: string[] = [];
  for (const page of PAGES.filter((name) => name !== 'CHANGELOG.md')) {
    for (const [, line = ''] of text(page).matchAll(/(?:`|^ {4}(?:\$ )?)bartizan ([a-z][^`\n]*)/gm)) {
      const [first = '', second, ...rest] = (line.split(/ +#| [|>] |;/)[0] ?? '').split(/\s+/);
      const command = program.commands.find((each) => each.name() === first);
      if (!command) {
        unknown.push(`${page}: bartizan ${line}`);
        continue;
      }
      const sub = command.commands.find((each) => each.name() === second);
      const known = [
        '--help',
        ...optionsOf(command),
        ...(sub ? optionsOf(sub) : command.commands.flatMap(optionsOf)),
      ];
      for (const argument of [second ?? '', ...rest])
        if (/^--?[a-z]/.test(argument) && !known.includes(argument.split('=')[0]))
          unknown.push(`${page}: bartizan ${line} (${argument})`);
    }
  }
  expect(unknown).toEqual([]);
});

it('the lines of README are a configuration without an error', () => {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(text('README.md')) ?? [];
  const options = {
    file: 'README.md',
    kinds: KINDS,
    baseDir: '/etc/bartizan',
    nowMs: 0,
    available: () => true,
  };
  expect(parseConfig(yaml, options)).toMatchObject({ ok: true, warnings: [] });
  expect(yaml.trim().split('\n').length).toBeLessThanOrEqual(10);
});

it('README and CONTRIBUTING ask for the Node of package.json and its lock file', () => {
  const lock = JSON.parse(text('package-lock.json')) as { packages: { '': typeof manifest } };
  expect(lock.packages[''].engines).toEqual(manifest.engines);
  const least = manifest.engines.node.replace('>=', '');
  expect(text('README.md')).toContain(`(from ${least} on)`);
  expect(text('CONTRIBUTING.md')).toContain(`Node ${least}, `);
});
