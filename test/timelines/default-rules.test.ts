import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../core/catalogue.ts';
import { DEFAULT_CHECKS, defaultRules } from '../../core/config/defaults.ts';
import type { Check } from '../../core/model/check.ts';
import { parseStories } from '../../core/story/parse.ts';
import { describeFailure } from '../../core/story/report.ts';
import { runStory } from '../../core/story/run.ts';

const STORIES = 'examples/default-rules';

/** A check of each kind, so that every default rule is in force. */
const EVERY_KIND: Check[] = [...new Set(METRICS.flatMap(({ probes = [] }) => probes))].map((probe) => ({
  name: probe,
  probe,
  everyMs: 60_000,
  where: {},
  maxNewLabelSets: 500,
  options: {},
}));
const RULES = defaultRules(EVERY_KIND);

const files = readdirSync(STORIES).map((file) => ({
  file,
  ...parseStories(readFileSync(join(STORIES, file), 'utf8'), 1, { rules: RULES }),
}));

describe.each(files)('examples/default-rules/$file', ({ stories, problems }) => {
  it('can be read', () => expect(problems).toEqual([]));

  it.each(stories)('$name', (story) => {
    const result = runStory(story);
    expect(result.ok, describeFailure(result)).toBe(true);
  });
});

describe.each(RULES.map(({ name }) => name))('the default rule %s', (name) => {
  const mine = files.flatMap(({ stories }) => stories).filter(({ rule }) => rule.name === name);
  const fires = mine.flatMap(({ expect: all }) => all.filter(({ kind }) => kind === 'firing'));

  it('has a story in which it fires', () => expect(fires).not.toEqual([]));

  it('has a series near it that does not fire', () => {
    const quiet = mine.filter(({ series, expect: all }) => {
      const fired = new Set(all.filter(({ kind }) => kind === 'firing').map((one) => one.series));
      const subjects = series.map(({ labels }) =>
        [...fired].some((one) => one.startsWith('cluster=')) ? `cluster=${labels.cluster}` : undefined,
      );
      const names = subjects.some((one) => one !== undefined)
        ? subjects
        : series.map(({ subject }) => subject);
      return names.some((one) => one !== undefined && !fired.has(one));
    });
    expect(quiet).not.toEqual([]);
  });
});

it('rules of control planes are in force only where a check measures their metric', () => {
  const names = (probes: readonly string[]) =>
    defaultRules([
      ...DEFAULT_CHECKS,
      ...EVERY_KIND.filter(({ probe }) => probe !== 'usage' && probes.includes(probe)),
    ]).map(({ name }) => name);
  const plain = names([]);
  expect(plain.filter((name) => /etcd|apiserver|cert|served|check-failing/.test(name))).toEqual([]);
  const added = names(['etcd']).filter((name) => !plain.includes(name));
  expect(added.filter((name) => !/^(etcd-|check-failing$)/.test(name))).toEqual([]);
  expect(added).toContain('etcd-fsync.critical');
});
