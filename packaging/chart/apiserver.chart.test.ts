// What a real kube-apiserver thinks of the objects of the chart.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Apiserver, startApiserver } from '../../test/kube/apiserver.ts';
import { type Etcd, startEtcd } from '../../test/kube/etcd.ts';
import { findBuilt } from '../../test/kube/programs.ts';
import { until } from '../../test/until.ts';
import {
  CHART,
  EXAMPLE_NAMES,
  helm,
  home,
  type KubeObject,
  ofKind,
  render,
  runProgram,
  startProgram,
  valuesOf,
} from './helm.fixture.ts';

describe('a real kube-apiserver', () => {
  let etcd: Etcd;
  let apiserver: Apiserver;
  let kubeconfig: string;
  const kubectl = (...args: string[]) => runProgram('kubectl', ['--kubeconfig', kubeconfig, ...args]);
  const release = (verb: string, name: string, ...args: string[]) =>
    helm(verb, name, CHART, '--kubeconfig', kubeconfig, '-n', 'monitoring', ...args);

  beforeAll(async () => {
    etcd = await startEtcd({ program: findBuilt('etcd') as string, dir: home });
    const program = [findBuilt('kube-apiserver') as string];
    apiserver = await startApiserver({ program, dir: join(home, 'pki'), etcdUrls: etcd.clientUrls });
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    const { url, ca, admin } = apiserver;
    kubeconfig = join(home, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': encoded(ca.cert) } }],
      users: [
        {
          name: 'u',
          user: {
            'client-certificate-data': encoded(admin.cert),
            'client-key-data': encoded(admin.key),
          },
        },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
    const restricted = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    expect(kubectl('create', 'namespace', 'monitoring').err).toBe('');
    expect(kubectl('label', 'namespace', 'monitoring', ...restricted).err).toBe('');
    const accounts = ['bartizan', 'monitoring'];
    for (const name of accounts)
      expect(kubectl('-n', 'monitoring', 'create', 'serviceaccount', name).err).toBe('');
  });
  afterAll(async () => {
    await apiserver?.stop();
    await etcd?.stop();
  });

  // Its kinds are those of Kubernetes itself.
  const known = (objects: readonly KubeObject[]) => objects.filter(({ kind }) => kind !== 'ServiceMonitor');
  const apply = (name: string, objects: readonly object[]) => {
    const file = join(home, `${name}.json`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    return kubectl('-n', 'monitoring', 'apply', '--dry-run=server', '--validate=strict', '-f', file);
  };

  it.each(EXAMPLE_NAMES)('accepts the objects of examples/%s.yaml, without a warning', (example) => {
    const objects = known(render(...valuesOf(example)));
    const { code, out, err } = apply(example, objects);
    // The test made the account before, as the admission of pods needs it.
    expect([code, err.replace(/^Warning: resource serviceaccounts\/bartizan is missing .*\n/gm, '')]).toEqual(
      [0, ''],
    );
    expect(out.match(/\(server dry run\)/g)).toHaveLength(objects.length);
  });

  it('admits the pod that checks the configuration', () => {
    const { template: pod } = ofKind(render(...valuesOf('smallest')), 'Job').spec;
    const made = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'check', ...pod.metadata },
      spec: pod.spec,
    };
    // Its account is the one that Kubernetes makes in each namespace.
    Object.assign(made.spec, { serviceAccountName: 'monitoring' });
    expect(apply('pod-check', [made])).toMatchObject({ code: 0, err: '' });
  });

  it.each(EXAMPLE_NAMES)('admits the pod of examples/%s.yaml under the restricted standard', (example) => {
    const { template: pod } = ofKind(render(...valuesOf(example)), 'StatefulSet').spec;
    const claimed = {
      ...pod.spec,
      volumes: [
        ...(pod.spec as { volumes: { name: string }[] }).volumes.filter(({ name }) => name !== 'data'),
        { name: 'data', emptyDir: {} },
      ],
      priorityClassName: undefined,
    };
    const made = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...pod.metadata }, spec: claimed };
    expect(apply(`pod-${example}`, [made])).toMatchObject({ code: 0, err: '' });
    const root = { ...made, spec: { ...claimed, securityContext: { runAsUser: 0 } } };
    expect(apply(`root-${example}`, [root]).err).toContain('violates PodSecurity "restricted:latest"');
  });

  const argsOfPod = () => {
    const args = 'jsonpath={.spec.template.spec.containers[0].args}';
    return kubectl('-n', 'monitoring', 'get', 'statefulset', 'bartizan', '-o', args).out;
  };

  it('takes an installation and a change, and the claim outlives the release', () => {
    expect(kubectl('-n', 'monitoring', 'delete', 'serviceaccount', 'bartizan').code).toBe(0);
    const installed = release('install', 'bartizan', '--no-hooks', ...valuesOf('smallest'));
    expect([installed.code, installed.err]).toEqual([0, '']);
    expect(installed.out).toContain('exec -it statefulset/bartizan -- bartizan trust');
    const changed = release(
      'upgrade',
      'bartizan',
      '--no-hooks',
      ...valuesOf('smallest'),
      '--set',
      'logLevel=debug',
    );
    expect([changed.code, changed.err]).toEqual([0, '']);
    expect(argsOfPod()).toContain('debug');
    const kept = '{.spec.persistentVolumeClaimRetentionPolicy.whenDeleted}';
    expect(kubectl('-n', 'monitoring', 'get', 'statefulset', 'bartizan', '-o', `jsonpath=${kept}`).out).toBe(
      'Retain',
    );
  });

  it('an upgrade whose configuration is refused changes nothing', async () => {
    const values = [...valuesOf('smallest'), '--set', 'logLevel=error'];
    const upgrade = startProgram('helm', [
      'upgrade',
      'bartizan',
      CHART,
      '--kubeconfig',
      kubeconfig,
      '-n',
      'monitoring',
      ...values,
    ]);
    const job = ['-n', 'monitoring', 'get', 'job', 'bartizan-check'];
    await until('the job is there', () => kubectl(...job).code === 0);
    // What the controller of jobs would say, which does not run here.
    const time = new Date().toISOString();
    const conditions = ['FailureTarget', 'Failed'].map((type) => ({
      type,
      status: 'True',
      reason: 'BackoffLimitExceeded',
      lastTransitionTime: time,
    }));
    const status = JSON.stringify({ status: { startTime: time, failed: 1, conditions } });
    const failed = ['patch', 'job', 'bartizan-check', '--subresource=status', '--type=merge', '-p', status];
    expect(kubectl('-n', 'monitoring', ...failed)).toMatchObject({ code: 0, err: '' });
    const { code, err } = await upgrade;
    expect([code, err]).toEqual([1, expect.stringMatching(/pre-upgrade hooks failed.*bartizan-check/s)]);
    expect(argsOfPod()).not.toContain('error');
  });

  it('knows a network file system by the provisioner of the class', () => {
    const file = join(home, 'class.json');
    const metadata = { name: 'shared' };
    const provisioner = 'efs.csi.aws.com';
    writeFileSync(
      file,
      JSON.stringify({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata, provisioner }),
    );
    expect(kubectl('apply', '-f', file).code).toBe(0);
    const values = [...valuesOf('smallest'), '--set', 'persistence.storageClass=shared'];
    const { code, err } = release('install', 'second', '--dry-run=server', ...values);
    expect(code).toBe(1);
    expect(err).toContain('persistence.storageClass: shared is a network file system (efs.csi)');
  });
});
