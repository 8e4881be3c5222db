import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createShellFixture, type ShellFixture } from '../test/shell-fixture.ts';
import { completeLine } from './completion-candidates.ts';
import { completionScript, type Shell } from './completion-scripts.ts';
import { createProgram } from './program.ts';

const NAMES = {
  clusters: ['prod', '한빛'],
  nodes: [
    { cluster: 'prod', name: 'prod-1', role: 'etcd' },
    { cluster: '한빛', name: '노드-1', role: 'apiserver' },
  ],
  bastions: ['gate'],
  channels: ['ops', 'chat'],
  rules: ['memory', 'node-down'],
  commands: ['backups', 'lag'],
};

async function completed(...args: string[]): Promise<string> {
  const result = await completeLine(await createProgram(), args, async () => NAMES);
  return 'files' in result ? ':files' : result.candidates.map(({ value }) => value).join(' ');
}

describe('the candidates', () => {
  it.each([
    [['tr'], 'trust'],
    [['__'], ''],
    [['rules', ''], 'test help'],
    [['help', 'pro'], 'probe'],
    [['probe', ''], 'prod 한빛 prod/prod-1 한빛/노드-1'],
    [['probe', 'prod', '한빛/'], '한빛/노드-1'],
    [['trust', '--yes', 'prod/'], 'prod/prod-1'],
    [['trust', '--'], '--config --yes --replace --fingerprint --json --help'],
    [['tunnel', 'p'], 'prod/prod-1'],
    [['tunnel', 'prod/prod-1', ''], ''],
    [['tunnel', 'prod/prod-1', '6443', '--via', ''], 'bastion node'],
    [['tunnel', '--socket', ''], ':files'],
    [['exec', 'prod/'], 'prod/prod-1'],
    [['exec', 'prod/prod-1', ''], 'backups lag'],
    [['kubeconfig', ''], 'prod 한빛'],
    [['kubeconfig', 'prod', '--node', ''], 'prod-1 노드-1'],
    [['kubeconfig', 'prod', '--file', ''], ':files'],
    [['notify-test', ''], 'ops chat'],
    [['notify-test', 'ops', ''], ''],
    [['query', 'mem'], 'mem_usage mem_total'],
    [['query', 'up', 'load'], 'load1 load5 load15 load_per_core'],
    [['query', 'up', '-w', 'cl'], 'cluster='],
    [['query', 'up', '--where', 'cluster='], 'cluster=prod cluster=한빛'],
    [['query', 'up', '--where=node=p'], '--where=node=prod-1'],
    [['query', 'up', '-w', 'role=', 'mem'], 'mem_usage mem_total'],
    [['query', 'up', '--last', '1'], '15m 1h 1d'],
    [['query', 'up', '--last=6'], '--last=6h'],
    [['query', 'up', '--png', ''], ':files'],
    [['query', '--plot', 'cpu_u'], 'cpu_usage'],
    [['query', '--', '-'], ''],
    [['query', 'up', '-w', 'rul'], ''],
    [['silence', ''], 'add list expire help'],
    [['silence', 'add', '-w', 'rul'], 'rule='],
    [['silence', 'add', '-w', 'rule='], 'rule=memory rule=node-down'],
    [['silence', 'add', '--for', ''], '30m 2h 8h 1d'],
    [['routes', 'test', 's'], 'severity= source='],
    [['routes', 'test', 'rule=memory', 'severity=c'], 'severity=critical'],
    [['alerts', '--last', '7'], '7d'],
    [['up', '--log-level', 'd'], 'debug'],
    [['-'], '--version --help'],
    [['check', ''], ':files'],
    [['probe', '-c', ''], ':files'],
    [['probe', '-c', 'x.yaml', 'prod'], 'prod prod/prod-1'],
    [['completion', ''], 'bash zsh fish'],
    [['schema', ''], ''],
    [['nonsense', ''], ''],
  ])('of %j are %s', async (args, expected) => {
    expect(await completed(...args)).toBe(expected);
  });
});

describe('in a shell', () => {
  let fixture: ShellFixture;
  beforeAll(() => {
    fixture = createShellFixture();
  });
  afterAll(() => fixture.close());
  const run = (program: string, script: string) => fixture.run(program, script);

  const bash = (...args: string[]) =>
    run(
      'bash',
      `compopt() { echo "compopt $*"; }
source completion.bash
COMP_WORDS=(${args.map((token) => `'${token}'`).join(' ')})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_bartizan
printf '%s\\n' "\${COMPREPLY[@]}"
complete -p bartizan`,
    );

  it.each([
    [['bartizan', 'pro'], 'probe'],
    [['bartizan', 'probe', ''], '한빛\n한빛/노드-1'],
    // bash splits at `=`.
    [['bartizan', 'query', 'up', '-w', 'cluster', '='], '한빛'],
    [['bartizan', 'query', 'up', '-w', 'cluster', '=', '한'], '한빛'],
    [['bartizan', 'query', 'up', '--last', '=', '1'], '15m\n1h\n1d'],
    [['bartizan', 'query', 'up', '-w', 'clu'], 'compopt -o nospace\ncluster='],
    [['bartizan', 'check', ''], 'compopt -o default\n'],
    [['bartizan', 'probe', '-c', 'broken.yaml', ''], ''],
  ])('bash completes %j', async (args, expected) => {
    expect(await bash(...args)).toBe(`${expected}\ncomplete -F _bartizan bartizan`);
  });

  it.each(['bash', 'zsh', 'fish'] as const satisfies readonly Shell[])(
    '`completion %s` prints it',
    async (shell) => {
      expect(await run('sh', `bartizan completion ${shell}`)).toBe(completionScript(shell).trimEnd());
    },
  );
});
