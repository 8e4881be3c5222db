import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CHECKS, defaultRuleTexts } from '../core/config/defaults.ts';

const FOLDER = 'docs/runbook';
const NAMES = defaultRuleTexts(DEFAULT_CHECKS).map(({ name }) => name);
const INDEX = readFileSync('docs/runbook.md', 'utf8');

it('each default rule has a page, and each page a rule', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(NAMES.map((name) => `${name}.md`).sort());
});

describe.each(NAMES)('the page of %s', (name) => {
  const page = readFileSync(`${FOLDER}/${name}.md`, 'utf8');

  it('has the four sections, with text in each', () => {
    const [head = '', ...sections] = page.split(/^## /m);
    expect(head).toContain(`Default rule \`${name}\`.`);
    expect(sections.map((section) => section.split('\n')[0])).toEqual([
      'Meaning',
      'Impact',
      'Diagnosis',
      'Mitigation',
    ]);
    for (const section of sections) expect(section.split('\n').slice(1).join('').length).toBeGreaterThan(20);
  });

  it('is listed in docs/runbook.md, and links pages that exist', () => {
    expect(INDEX).toContain(`(runbook/${name}.md)`);
    const linked = [...page.matchAll(/\]\(([\w-]+)\.md\)/g)].map((match) => match[1]);
    expect(linked.filter((other) => !NAMES.includes(other ?? ''))).toEqual([]);
  });
});
