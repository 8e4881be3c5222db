import { describe, expect, it } from 'vitest';
import { parseExpectation } from './expectation.ts';
import { type Mark, parseNotation } from './notation.ts';
import { parseStories } from './parse.ts';
import { drawStory } from './picture.ts';
import { describeFailure, storyDiff } from './report.ts';
import { runStory } from './run.ts';
import { parseSeriesName } from './series-name.ts';

const written = (mark: Mark) =>
  mark.kind === 'sample' ? String(mark.value) : { lacking: '_', down: 'D', untried: '.' }[mark.kind];

describe('notation', () => {
  it.each([
    ['95', '95'],
    ['95x2', '95 95 95'],
    ['10+5x3', '10 15 20 25'],
    ['40-10x2', '40 30 20'],
    ['-2+4x2', '-2 2 6'],
    ['0.1+0.1x2', '0.1 0.2 0.3'],
    ['0x2', '0 0 0'],
    ['1 _ D .', '1 _ D .'],
    [' _x2  Dx3\n.x1 ', '_ _ D D D .'],
  ])('reads %s', (text, marks) => {
    const notation = parseNotation(text);
    expect(notation.ok && notation.marks.map(written).join(' ')).toBe(marks);
  });

  it.each([
    ['95 up', '`up` is no sample: write numbers (`95`, `95x6`, `10+5x3`) or `_`, `D`, `.`'],
    ['10+5', '`10+5` needs a count: `10+5x3`'],
    ['', 'the series is empty: write samples like `95x6 _ 40x3`'],
    ['1x99999', '`1x99999` makes the series longer than 10000 rounds'],
  ])('refuses %s', (text, message) => {
    expect(parseNotation(text)).toEqual({ ok: false, message });
  });
});

describe('expectation', () => {
  it.each([
    ['firing', { kind: 'firing', reason: 'threshold' }],
    ['resolved (cleared 9m)', { kind: 'resolved', reason: 'threshold', clearedMs: 540_000 }],
    ['firing (no-data, since 1h1m)', { kind: 'firing', reason: 'no-data', sinceMs: 3_660_000 }],
    ['firing (no-data since 0m)', { kind: 'firing', reason: 'no-data', sinceMs: 0 }],
  ])('reads %s', (text, expected) => expect(parseExpectation(text)).toEqual(expected));

  it.each([
    ['fires', '`fires` is no transition: write pending, firing, resolved, cancelled'],
    ['firing (no-data', /leave out the comma/],
    ['firing (since soon)', '`soon` is no time: write `since 9m`'],
    ['firing (because)', /`because` is no reason: write threshold, no-data/],
  ])('refuses %s', (text, message) => {
    expect(parseExpectation(text)).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
  });
});

describe('series name', () => {
  it.each([
    ['node-1', { cluster: 'test', node: 'node-1', role: 'controlplane' }],
    ['blue/n role=etcd mount=/data', { cluster: 'blue', node: 'n', role: 'etcd', mount: '/data' }],
    ['bastion=b-1 batch=0', { bastion: 'b-1', batch: '0' }],
  ])('reads %s', (name, labels) => expect(parseSeriesName(name)).toMatchObject({ labels }));

  it.each(['a/b/c', 'node-1 node-2', 'node-1 role=boss', '/n'])('refuses %s', (name) => {
    expect(parseSeriesName(name)).toEqual(expect.stringContaining('is no'));
  });
});

const STORY = `
name: memory
rule: { metric: mem_usage, above: 90, for: 2m }
samples: { node-1: 95x3 60 }
expect:
  0m: pending
  2m: firing
  4m: resolved
`;

describe('story file', () => {
  it('holds several stories, each with its line', () => {
    const { stories, problems } = parseStories(`${STORY}---\n# another\n${STORY}`);
    expect(problems).toEqual([]);
    expect(stories.map(({ name, line }) => [name, line])).toEqual([
      ['memory', 2],
      ['memory', 12],
    ]);
  });

  it.each([
    ['every: 1m', 'samples: { node-1: 95 }\nevry: 1m', 'evry', 'unknown key `evry`', 'did you mean `every`?'],
    [
      'rule',
      STORY.replace('above: 90', 'abov: 90'),
      'rule.abov',
      'unknown key `abov`',
      'did you mean `above`?',
    ],
    [
      'metric',
      STORY.replace('mem_usage', 'mem_usge'),
      'rule.metric',
      'there is no metric `mem_usge`; did you mean `mem_usage`?',
    ],
    [
      'samples',
      STORY.replace('95x3', '95y3'),
      'samples.node-1',
      '`95y3` is no sample: write numbers (`95`, `95x6`, `10+5x3`) or `_`, `D`, `.`',
    ],
    [
      'expectation',
      STORY.replace('2m: firing', '2m: fires'),
      'expect.2m',
      '`fires` is no transition: write pending, firing, resolved, cancelled',
    ],
    [
      'time',
      STORY.replace('4m: resolved', 'soon: resolved'),
      'expect.soon',
      '`soon` is not a duration: write it like `90s`, `5m`, `1h30m` or `7d`',
    ],
    [
      'round',
      STORY.replace('4m: resolved', '90s: resolved'),
      'expect.90s',
      'there is no round at 1m30s: rounds are 1m apart',
    ],
    [
      'series',
      STORY.replace('2m: firing', '2m: { node-2: firing }'),
      'expect.2m.node-2',
      'there is no series `node-2`',
    ],
    [
      'which',
      STORY.replace('60 }', '60, node-2: 5 }'),
      'expect.0m',
      'say which series: `{ node-1: firing }`',
    ],
    ['late', `${STORY}late: { node-1: { 3m: 3m } }`, 'late.node-1.3m', 'arrives at 3m, which is not late'],
    ['removed', `${STORY}removed: { 3m: node-9 }`, 'removed.3m', 'no series is of a node `node-9`'],
    [
      'edit',
      `${STORY}edits: { 3m: { recoveryThreshold: 95 } }`,
      'edits.3m.recoveryThreshold',
      'must not be greater than `above: 90`',
    ],
    [
      'up',
      STORY.replace('metric: mem_usage, above', 'metric: up, below').replace('95x3', '1 _ D'),
      'samples.node-1',
      'in a story of `up` itself write 1, 0 or `.`',
    ],
    [
      'a ratio without sides',
      STORY.replace('metric: mem_usage', 'ratio: { of: load1, over: cores }'),
      'samples.node-1',
      'a rule on a ratio has samples of both metrics: `{ load1: { node-1: 95x6 }, cores: { node-1: 95x6 } }`',
    ],
    [
      'sides of another ratio',
      STORY.replace('metric: mem_usage', 'ratio: { of: load1, over: cores }').replace(
        '{ node-1: 95x3 60 }',
        '{ load5: { node-1: 1 } }',
      ),
      'samples.load5',
      'the ratio is not of `load5`; write `{ load1: { node-1: 95x6 }, cores: { node-1: 95x6 } }`',
    ],
    [
      'sides without a ratio',
      STORY.replace('{ node-1: 95x3 60 }', '{ mem_usage: { node-1: 1 } }'),
      'samples.mem_usage',
      'a rule on one metric has its samples in one line a series: `{ node-1: 95x6 _ 40x3 }`',
    ],
    [
      'nothing',
      '# nothing here\n',
      '',
      'there is no story in this file',
      'docs/rules.md tells how to write one',
    ],
  ])('says what is wrong with %s, and where', (_, text, path, message, suggestion?: string) => {
    const { stories, problems } = parseStories(text);
    const found = problems.find((problem) => problem.path === path);
    expect(found).toMatchObject({ path, message, ...(suggestion ? { suggestion } : {}) });
    expect(stories).toEqual([]);
  });

  it('gives lines and columns, in the file that holds the story', () => {
    const text = STORY.replace('95x3', '95y3').replace('2m: firing', '2m: fires');
    expect(parseStories(text, 100).problems.map(({ line, column }) => [line, column])).toEqual([
      [103, 12],
      [106, 3],
    ]);
  });

  it('reads on after a story that is wrong, and says where YAML is', () => {
    const { stories, problems } = parseStories(`${STORY.replace('95x3', '95y3')}---\n${STORY}`);
    expect([stories.length, problems.length]).toEqual([1, 1]);
    expect(parseStories('rule: {').problems[0]).toMatchObject({ line: 1 });
  });
});

describe('a story that fails', () => {
  const run = (text: string) => {
    const [story] = parseStories(text).stories;
    if (!story) throw new Error('the story cannot be read');
    return runStory(story);
  };

  it('shows a diff and a picture', () => {
    const result = run(
      STORY.replace('2m: firing', '3m: firing').replace('4m: resolved', '4m: resolved (cleared 3m)'),
    );
    expect(result.ok).toBe(false);
    expect(storyDiff(result)).toEqual([
      '  0s  node-1  pending',
      '+ 2m  node-1  firing',
      '- 3m  node-1  firing',
      '- 4m  node-1  resolved (cleared 3m)',
      '+ 4m  node-1  resolved (cleared 4m)',
    ]);
    expect(drawStory(result)).toBe(['        0', 'node-1  ▲▲▲▲▽', '        ░░██·'].join('\n'));
    expect(describeFailure(result)).toContain('evaluated every round; - expected, + came');
  });

  it.each([
    ['a reason', STORY.replace('firing', 'firing (no-data)')],
    ['a since', STORY.replace('firing', 'firing (since 1m)')],
    ['a missing one', STORY.replace('  2m: firing\n', '')],
    ['an expectation of nothing', STORY.replace(/expect:[\s\S]*/, 'expect: {}')],
    ['a later one', `${STORY}  3m: pending\n`],
  ])('fails for %s', (_, text) => expect(run(text).ok).toBe(false));
});
