import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rulesCommand } from './rules-test.ts';

const STORY = `
name: memory
rule: { metric: mem_usage, above: 90, for: 2m }
samples: { node-1: 95x3 60 }
expect: { 0m: pending, 2m: firing, 4m: resolved }
`;

let dir: string;
let output: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-rules-'));
  output = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => output.push(String(text)) > 0);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

async function run(...args: string[]): Promise<{ text: string; exitCode: number | string | undefined }> {
  await rulesCommand().parseAsync(['test', ...args], { from: 'user' });
  return { text: output.join(''), exitCode: process.exitCode ?? 0 };
}

describe('bartizan rules test', () => {
  it('prints which stories hold', async () => {
    const { text, exitCode } = await run(file('a.yaml', STORY));
    expect(text).toContain('✓ memory');
    expect(text).toContain('1 passed, 0 failed\n');
    expect(exitCode).toBe(0);
  });

  it('shows a diff and a picture of a story that does not hold', async () => {
    const { text, exitCode } = await run(file('a.yaml', STORY.replace('2m: firing', '3m: firing')));
    expect(text).toMatch(/✗ memory \(.*a\.yaml:2\)/);
    expect(text).toContain('+ 2m  node-1  firing');
    expect(text).toContain('- 3m  node-1  firing');
    expect(text).toContain('▲▲▲▲▽');
    expect(exitCode).toBe(1);
  });

  it('draws all stories on request', async () => {
    expect((await run('--draw', file('a.yaml', STORY))).text).toContain('░░██·');
  });

  it('reports the problems of a file with their lines, and tests the other files', async () => {
    const broken = file('b.yaml', STORY.replace('samples', 'sample'));
    const { text, exitCode } = await run(broken, file('a.yaml', STORY), join(dir, 'none.yaml'));
    expect(text).toMatch(/b\.yaml:4:1 {2}sample {2}unknown key `sample`/);
    expect(text).toContain('did you mean `samples`?');
    expect(text).toMatch(/none\.yaml:1:1 {2}there is no such file/);
    expect(text).toContain('1 passed, 0 failed, 3 problems in files');
    expect(exitCode).toBe(1);
  });

  it('reports all problems of a story at once', async () => {
    const text = STORY.replace('above: 90, for: 2m', 'above: 90%, for: 2')
      .replace('95x3', '95y3')
      .replace('2m: firing', '2m: fires')
      .replace('name: memory', 'name: memory\nevery: 1 min');
    const { text: output } = await run(file('a.yaml', text));
    expect(output.match(/a\.yaml:\d+:\d+ {2}[\w.-]+/g)).toEqual(
      ['3:1  every', '4:28  rule.above', '4:40  rule.for', '5:12  samples.node-1', '6:24  expect.2m'].map(
        (location) => expect.stringMatching(location),
      ),
    );
  });

  it('describes values of a wrong type', async () => {
    const story = `${STORY}removed: [q]\nlate: 3\nedits: 3\n---\n- a\n`.replace('name: memory', 'name: [a]');
    const { text } = await run(file('a.yaml', story));
    expect(text.match(/a\.yaml:.*/g)).toEqual(
      [
        '2:1  name  one value is expected, not a list',
        '6:1  removed  a mapping is expected, not a list',
        '7:1  late  a mapping is expected, not a whole number',
        '8:1  edits  a mapping is expected, not a whole number',
        '10:1  a mapping is expected, not a list',
      ].map((problem) => `a.yaml:${problem}`),
    );
  });

  it('finds the rules of a configuration by name, its own and the default ones', async () => {
    const config = file(
      'bartizan.yaml',
      `bastions: [{ name: b, host: h, user: u, agent: "\${env:SSH_AUTH_SOCK}" }]
clusters: [{ name: c, bastion: b, nodes: [{ name: n, role: etcd, host: n }] }]
rules: { add: [{ name: mine, metric: mem_usage, above: 90, for: 2m }, { name: two, metric: mem_usage, for: 2m, tiers: { warning: { above: 99 }, critical: { above: 90 } } }] }
`,
    );
    const named = (name: string, more = '') => `${STORY.replace(/\{ metric.*\}/, name)}${more}`;
    const { text, exitCode } = await run('-c', config, file('a.yaml', named('mine')));
    expect([text, exitCode]).toEqual([expect.stringContaining('1 passed, 0 failed'), 0]);
    const idle = await run(
      '-c',
      config,
      ...['nodes', 'etcd'].map((name) => `examples/default-rules/${name}.yaml`),
    );
    expect(idle.text).toMatch(/ passed, 0 failed$/m);
    const { text: tiered } = await run('-c', config, file('t.yaml', named('two.critical')));
    expect(tiered).toContain('1 passed, 0 failed');
    const others = file(
      'b.yaml',
      `${named('memry')}---\n${named('mine', 'edits: { 1m: { above: 5 } }\n')}---\n${named('node-down')}`,
    );
    const { text: wrong } = await run('-c', config, others);
    expect(wrong).toContain('there is no rule `memry`');
    expect(wrong).toContain('did you mean `memory`?');
    expect(wrong).toContain('a rule of the configuration has no edits');
    expect(wrong).toContain('✗ memory');
  });

  it.each([
    ['missing', undefined, /there is no .*none\.yaml to take rule `mine` from\n *= name one with -c FILE/],
    ['wrong', 'rules: [{}]', /none\.yaml has errors\n *= `bartizan check .*none\.yaml` lists them/],
  ])(
    'reports a named rule at its line, together with all other problems, when the configuration is %s',
    async (_, text, message) => {
      const config = join(dir, 'none.yaml');
      if (text) writeFileSync(config, text);
      const named = `name: n\nrule: mine\nsamples: { node-1: 95y3 }\nexpect: { 0: pending }\nmore: 1\nevery: 0s\n`;
      const files = [file('a.yaml', named), file('b.yaml', STORY), file('c.yaml', 'samples: 3')];
      const { text: output, exitCode } = await run('-c', config, ...files);
      expect(output).toMatch(message);
      expect(output.match(/a\.yaml:\d+:\d+ {2}\w+/g)).toEqual(
        ['2:1  rule', '3:12  samples', '4:11  expect', '5:1  more', '6:1  every'].map((location) =>
          expect.stringMatching(location),
        ),
      );
      expect(output).toContain('✓ memory');
      expect(output).toContain('c.yaml:1:1  samples');
      expect(exitCode).toBe(1);
    },
  );

  it('prints JSON', async () => {
    const { text, exitCode } = await run('--json', file('a.yaml', STORY.replace('2m: firing', '3m: firing')));
    expect(JSON.parse(text)).toMatchObject({
      passed: 0,
      failed: 1,
      problems: [],
      stories: [{ line: 2, name: 'memory', ok: false, evaluated: 'every round' }],
    });
    expect(JSON.parse(text).stories[0].rows).toContainEqual({
      at: '3m',
      series: 'node-1',
      expected: 'firing',
      ok: false,
    });
    expect(exitCode).toBe(1);
  });

  it('leaves wrong usage to the program', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(run()).rejects.toThrow(CommanderError);
  });
});
