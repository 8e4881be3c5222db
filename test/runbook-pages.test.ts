import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../cli/program.ts';
import { DEFAULT_CHECKS, defaultRuleTexts } from '../core/config/defaults.ts';

const FOLDER = 'docs/runbook';
const RULES = defaultRuleTexts(DEFAULT_CHECKS);
const NAMES = RULES.map(({ name }) => name);
const { commands } = await createProgram();
const INDEX = readFileSync('docs/runbook.md', 'utf8');

it('each default rule has a page, and each page a rule', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(NAMES.map((name) => `${name}.md`).sort());
});

describe.each(NAMES)('the page of %s', (name) => {
  const page = readFileSync(`${FOLDER}/${name}.md`, 'utf8');

  it('has the four sections, with text in each', () => {
    const [head = '', ...sections] = page.split(/^## /m);
    expect(head).toContain(`Default rule \`${name}\`.`);
    expect(head).toMatch(new RegExp(`^# ${RULES.find((rule) => rule.name === name)?.title}\n`));
    expect(sections.map((section) => section.split('\n')[0])).toEqual([
      'Meaning',
      'Impact',
      'Diagnosis',
      'Mitigation',
    ]);
    for (const section of sections) expect(section.split('\n').slice(1).join('').length).toBeGreaterThan(20);
  });

  it('has each block of commands apart from its text', () => {
    const lines = page.split('\n');
    const isCode = (line = '') => line.startsWith('    ');
    const torn = lines.filter(
      (line, i) => i > 0 && line && lines[i - 1] && isCode(line) !== isCode(lines[i - 1]),
    );
    expect(torn).toEqual([]);
  });

  it('names commands and options of bartizan that there are', () => {
    for (const [text, line = ''] of page.matchAll(/(?:`|^ {4})bartizan ([^`\n]+)/gm)) {
      const [first, ...rest] = line.split(' ');
      const command = commands.find((one) => one.name() === first);
      const options = [command, ...(command?.commands ?? [])].flatMap((one) =>
        one?.options.flatMap(({ short, long }) => [short, long]),
      );
      for (const option of rest.filter((each) => each.startsWith('-')))
        expect([text, options]).toEqual([text, expect.arrayContaining([option])]);
      expect([text, command?.name()]).toEqual([text, first]);
    }
  });

  it('is listed in docs/runbook.md, and links pages that exist', () => {
    expect(INDEX).toContain(`(runbook/${name}.md)`);
    const linked = [...page.matchAll(/\]\(([\w-]+)\.md\)/g)].map((match) => match[1]);
    expect(linked.filter((other) => !NAMES.includes(other ?? ''))).toEqual([]);
  });
});
