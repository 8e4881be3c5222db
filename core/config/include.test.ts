import { describe, expect, it } from 'vitest';
import { configOf, configText, OPTIONS, problemsOf } from '../../test/config-cases.ts';
import { bundleConfig } from './bundle.ts';
import type { SourceFile } from './include.ts';
import { parseConfig } from './parse.ts';

const MAIN = configText({ clusters: 'clusters: { include: "clusters.d/*.yaml" }\n' });

const cluster = (name: string, host = '10.0.1.11') => `name: ${name}
bastion: seoul
nodes:
  - { name: ${name}-1, role: apiserver, host: ${host} }
`;
const file = (name: string, text: string): SourceFile => ({ file: `clusters.d/${name}.yaml`, text });
const reading = (...files: SourceFile[]) => ({ included: () => ({ files, problems: [] }) });
const listOf = (...texts: string[]) =>
  texts.map((text) => `- ${text.trim().replaceAll('\n', '\n  ')}\n`).join('');

/** `file:line:column path: message (suggestion)` of each problem. */
const linesOf = (options: Parameters<typeof problemsOf>[1], main = MAIN) =>
  problemsOf(main, options).map(
    ({ file: at, line, column, path, message, suggestion }) =>
      `${at}:${line}:${column} ${path}: ${message}${suggestion ? ` (${suggestion})` : ''}`,
  );

describe('clusters in files of their own', () => {
  it('are joined in the order of the files, one or a list in each', () => {
    const b = file('b', listOf(cluster('b1', '10.0.2.1'), cluster('b2', '10.0.2.2')));
    const { clusters } = configOf(MAIN, reading(file('a', cluster('a')), b, file('c', '[]')));
    expect(clusters.map(({ name }) => name)).toEqual(['a', 'b1', 'b2']);
  });

  it('come from the patterns that are written, as one or as a list', () => {
    const seen: unknown[] = [];
    const included = (patterns: readonly string[]) => {
      seen.push(patterns);
      return { files: [file('a', cluster('a'))], problems: [] };
    };
    configOf(MAIN, { included });
    configOf(configText({ clusters: 'clusters: { include: [a.yaml, b/?.json] }\n' }), { included });
    expect(seen).toEqual([['clusters.d/*.yaml'], ['a.yaml', 'b/?.json']]);
  });

  it.each<[string, SourceFile[], string[]]>([
    [
      'a wrong field, in a list',
      [file('a', cluster('a')), file('b', listOf(cluster('b', '10.0.1.12').replace('role', 'rol')))],
      ['clusters.d/b.yaml:4:20 [0].nodes[0].rol: unknown key `rol` (did you mean `role`?)'],
    ],
    [
      'a wrong value, in a cluster alone',
      [file('a', cluster('a').replace('apiserver', 'apisrver'))],
      ['clusters.d/a.yaml:4:24 nodes[0].role: `apisrver` is not possible here (did you mean `apiserver`?)'],
    ],
    [
      'a name that two files have',
      [file('a', cluster('a')), file('b', cluster('a', '10.0.1.12'))],
      [
        'clusters.d/b.yaml:1:7 name: another cluster is called `a` (the first is in clusters.d/a.yaml:1; rename one of them)',
      ],
    ],
    [
      'a name that one file has twice',
      [file('a', listOf(cluster('a'), cluster('a', '10.0.1.12')))],
      [
        'clusters.d/a.yaml:5:9 [1].name: another cluster is called `a` (the first is in line 1; rename one of them)',
      ],
    ],
    [
      'an address that two files have',
      [file('a', cluster('a')), file('b', cluster('b'))],
      [
        'clusters.d/b.yaml:4:41 nodes[0].host: another node has the address `10.0.1.11:22` behind the same bastion (the first is in clusters.d/a.yaml:4; is this line a copy?)',
      ],
    ],
    [
      'a bastion that is not there',
      [file('a', cluster('a').replace('seoul', 'seol'))],
      ['clusters.d/a.yaml:2:10 bastion: there is no bastion `seol` (did you mean `seoul`?)'],
    ],
    [
      'a file that is no YAML, without guesses about other files',
      [file('a', 'name: "a'), file('b', cluster('b'))],
      [
        'clusters.d/a.yaml:1:8 : a closing quote, bracket, comma or colon is missing (look at this line and the one before; the rest of the file is not checked)',
      ],
    ],
    [
      'an empty file',
      [file('a', '# nothing yet\n'), file('b', cluster('b'))],
      ['clusters.d/a.yaml:1:1 : the file is empty (write a cluster into it, `[]` for none, or remove it)'],
    ],
    [
      'a file with a text',
      [file('a', 'a cluster')],
      [
        'clusters.d/a.yaml:1:1 : an included file has one cluster, or a list of them (start it with `name:`, or each cluster with `- name:`)',
      ],
    ],
    [
      'a file with the section',
      [file('a', `clusters:\n${listOf(cluster('a'))}`)],
      [
        'clusters.d/a.yaml:1:1 clusters: an included file starts with its cluster, or its list of clusters (leave the key out)',
      ],
    ],
    [
      'files without a cluster',
      [file('a', '[]')],
      ['bartizan.yaml:3:11 clusters: `clusters` is an empty list (write at least one, or an `inventory`)'],
    ],
  ])('reports %s in its file', (_, files, expected) => {
    expect(linesOf(reading(...files))).toEqual(expected);
  });

  it('reports all files at once, in order, and a missing value of each', () => {
    const wrong = (name: string, host: string) =>
      cluster(name, host).replace('bastion: seoul', `bastion: \${env:NO}`);
    const files = [file('a', wrong('a', '10.0.0.1')), file('b', wrong('b', '10.0.0.2'))];
    expect(problemsOf(MAIN, reading(...files)).map((one) => `${one.file}:${one.line}`)).toEqual([
      'clusters.d/a.yaml:2',
      'clusters.d/a.yaml:2',
      'clusters.d/b.yaml:2',
      'clusters.d/b.yaml:2',
    ]);
    const key = file('a', `${cluster('a')}privateKey: "\${file:/k}"\n`);
    const missing = { ...reading(key), available: () => false };
    expect(linesOf(missing)).toContain(
      'clusters.d/a.yaml:5:13 privateKey: `${file:/k}` cannot be read here (it must be there when `bartizan up` starts)',
    );
  });

  it('shows a line of the file, without what may be secret', () => {
    const text = cluster('a').replace('host:', 'hots:').replace('10.0.1.11', 'pa55word');
    const [problem] = problemsOf(MAIN, reading(file('a', text)));
    expect(problem?.excerpt?.text).toContain('hots');
    expect(JSON.stringify(problem)).not.toContain('privateKey');
  });

  it('are an error where no file can be read', () => {
    expect(linesOf({})).toEqual([
      'bartizan.yaml:3:22 clusters.include: other files cannot be read here (`bartizan bundle` writes all files as one)',
    ]);
  });

  it('reports a pattern that fails at the pattern', () => {
    const problems = [{ pattern: 'b.yaml', message: 'no file matches `b.yaml`', suggestion: 'correct it' }];
    const main = configText({ clusters: 'clusters:\n  include:\n    - a.yaml\n    - b.yaml\n' });
    expect(linesOf({ included: () => ({ files: [], problems }) }, main)).toEqual([
      'bartizan.yaml:6:7 clusters.include[1]: no file matches `b.yaml` (correct it)',
    ]);
  });

  it.each([
    ['{ include: /etc/clusters.yaml }', 'included files are in the folder of this file, or below it'],
    ['{ include: ~/clusters.yaml }', 'included files are in the folder of this file, or below it'],
    ['{ include: a/../../b.yaml }', 'included files are in the folder of this file, or below it'],
    ['{ include: "**/a.yaml" }', '`*` stays within one folder'],
    ['{ include: [] }', '`include` is an empty list'],
    ['{ includes: a.yaml }', 'unknown key `includes`'],
    ['a.yaml', 'a list is expected, not a text'],
  ])('refuses `clusters: %s`', (clusters, message) => {
    const found = problemsOf(configText({ clusters: `clusters: ${clusters}\n` }), reading());
    expect(found.map((one) => one.message)).toContain(message);
  });
});

describe('a bundle', () => {
  const files = [
    file('a', `# comment\n${cluster('a')}privateKey: "\${file:key}"\npassphrase: \${env:PASS}\n`),
    file('b', listOf(cluster('b1', '10.0.2.1'), cluster('b2', '10.0.2.2'))),
  ];
  const more = 'server: { listen: "127.0.0.1:9471" }\n';

  it.each([
    ['in one line', 'clusters: { include: "clusters.d/*.yaml" }\n'],
    ['as a block', 'clusters:\n  include:\n    - clusters.d/*.yaml\n# after\n'],
    ['as an anchor', 'clusters: &many { include: a.yaml }\n'],
    ['with a comment behind', 'clusters: { include: a.yaml } # those\n'],
  ])('reads as the files do: %s', (_, clusters) => {
    const main = configText({ clusters, more });
    const bundle = bundleConfig(main, files);
    expect(configOf(bundle)).toEqual(configOf(main, reading(...files)));
    expect(bundle).toContain(`"privateKey":"\${file:key}"`);
    expect(bundle).toContain('127.0.0.1:9471');
  });

  it('of a file that is JSON is right as well', () => {
    const { ok } = parseConfig(MAIN, { ...OPTIONS, ...reading(...files) });
    const json = JSON.stringify({
      bastions: [{ name: 'seoul', host: 'b', user: 'u', privateKey: `\${file:k}` }],
      clusters: { include: 'x' },
      store: {},
    });
    expect(ok).toBe(true);
    expect(configOf(bundleConfig(json, files))).toEqual(configOf(json, reading(...files)));
  });

  it('leaves a file without an include as it is', () => {
    expect(bundleConfig(configText(), [])).toBe(configText());
  });
});
