import { beforeEach, describe, expect, it } from 'vitest';
import { KINDS } from '../adapters/registry.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { Config } from '../core/model/config.ts';
import { accountWith } from '../test/stacks/account.ts';
import { EXAMPLE, exampleText } from '../test/stacks/synth.ts';
import type { Account } from './account.ts';
import { type DeploymentRecord, deploymentRecord } from './deployment-record.ts';
import { preflight } from './preflight.ts';
import { readSettings } from './settings.ts';

const GIVEN: Record<string, string> = { alarmEmail: 'ops@example.net' };
const CLUSTER = '  - name: prod\n    bastion: seoul\n';
const config = configOf();
const otherBastion = configOf(
  ['host: bastion.example.net', 'host: gate.example.com'],
  ['name: seoul', 'name: tokyo'],
  ['bastion: seoul', 'bastion: tokyo'],
);
/** Another customer behind the same host. */
const otherClusters = configOf([CLUSTER, CLUSTER.replace('prod', 'staging')]);

let account: Account;
beforeEach(() => {
  account = accountWith();
});

function configOf(...replace: [string, string][]): Config {
  const parsed = parseConfig(exampleText(replace), { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** The example with so many clusters; only their number matters. */
function fleetOf(names: readonly string[]): Config {
  const [cluster] = config.clusters;
  if (!cluster) throw new Error('the example has no cluster');
  return { ...config, clusters: names.map((name) => ({ ...cluster, name })) };
}

function written(of: Config): DeploymentRecord {
  return {
    ...deploymentRecord(
      of,
      readSettings((name) => GIVEN[name]),
    ),
    bucket: 'files',
  };
}

async function clear(now: Config, context: Record<string, string> = {}) {
  const options = { config: now, file: 'my.yaml', qualifier: 'hnb659fds' };
  const given: Record<string, string> = { ...GIVEN, ...context };
  return preflight({ ...options, context: (name) => given[name] }, account).then(
    ({ notes }) => ({ problems: [] as string[], notes }),
    (error: Error) => ({ problems: error.message.split('\n').slice(1), notes: [] as string[] }),
  );
}

describe('another fleet under the same name', () => {
  it.each<
    [
      what: string,
      last: Config | string[] | undefined,
      now: Config,
      context: Record<string, string>,
      isRefused: boolean,
    ]
  >([
    ['nothing is deployed', undefined, config, {}, false],
    ['the same', config, config, {}, false],
    ['all bastions differ', otherBastion, config, {}, true],
    ['all bastions differ, and the change is confirmed', otherBastion, config, { confirm: 'fleet' }, false],
    ['under another name', otherBastion, config, { name: 'seoul' }, false],
    ['other clusters behind the same bastion', otherClusters, config, {}, true],
    ['those are meant', otherClusters, config, { confirm: 'fleet' }, false],
    ['one cluster of two is the same', fleetOf(['prod', 'staging']), config, {}, false],
    ['an older release recorded nothing, and the name differs', ['tokyo'], config, { vpcId: '' }, true],
    [
      'an older release recorded nothing, and the name is the same',
      ['tokyo', 'seoul'],
      config,
      { vpcId: '' },
      false,
    ],
  ])('%s', async (_, last, now, context, isRefused) => {
    const remembered = last && !Array.isArray(last) ? written(last) : undefined;
    account.remembered = async (name) => (name === 'bartizan' ? remembered : undefined);
    account.deployedBastions = async () => (Array.isArray(last) ? last : undefined);
    const { problems } = await clear(now, context);
    expect(problems.some((line) => /would be replaced\. Give this deployment a name/.test(line))).toBe(
      isRefused,
    );
    expect(problems).toHaveLength(isRefused ? 1 : 0);
  });

  it('is recognised by its clusters and bastions', async () => {
    account.remembered = async () => written(otherBastion);
    expect((await clear(config)).problems).toEqual([
      expect.stringContaining(
        'the deployment `bartizan` monitors 1 cluster behind tokyo (gate.example.com), and my.yaml has none of these bastions: it',
      ),
    ]);
    account.remembered = async () => written(otherClusters);
    expect((await clear(config)).problems).toEqual([
      expect.stringContaining(
        'monitors 1 cluster behind seoul (bastion.example.net), and my.yaml has none of these clusters: it',
      ),
    ]);
  });

  it('is recognised by its bastions when an older release recorded no clusters', async () => {
    const { watched: _, derivedFrom: __, ...old } = written(otherClusters);
    account.remembered = async () => old;
    expect((await clear(config)).problems).toEqual([]);
  });

  it('has the clusters of its inventories', async () => {
    const source = { type: 'ssm', options: { path: '/a/clusters' } };
    const listed = { ...config, clusters: [], inventory: [source] };
    account.remembered = async () => written(listed);
    expect((await clear(listed)).problems).toEqual([]);
    const elsewhere = { ...listed, inventory: [{ ...source, options: { path: '/b/clusters' } }] };
    expect((await clear(elsewhere)).problems).toHaveLength(1);
  });

  it('is reported with everything that would be removed', async () => {
    account.remembered = async () => {
      const there = written(fleetOf(['prod', 'staging', 'test']));
      return { ...there, bastions: [...there.bastions, { name: 'busan', host: 'b.example.net', port: 22 }] };
    };
    expect((await clear(config)).notes).toContain(
      'removed: the bastion busan (b.example.net), 2 of 3 clusters; they are not in my.yaml, and will not be monitored',
    );
    account.remembered = async () => written(config);
    expect((await clear(fleetOf(['prod', 'staging']))).notes).toEqual([]);
  });

  it('of a thousand clusters fits into the parameter, and is recognised by a part of them', async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `cluster-${i}`);
    const there = written(fleetOf(names));
    expect(JSON.stringify(there).length).toBeLessThan(2_000);
    account.remembered = async () => there;
    expect((await clear(fleetOf(names.slice(0, 500)))).notes).toEqual([
      expect.stringMatching(/^removed: at least \d\d of 1000 clusters; /),
    ]);
    expect((await clear(fleetOf(names.map((name) => `other-${name}`)))).problems).toHaveLength(1);
  });
});
