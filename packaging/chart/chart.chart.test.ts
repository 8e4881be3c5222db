// The chart by a real helm: golden renderings, refused values, and what a real kube-apiserver thinks of the objects.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Apiserver, startApiserver } from '../../test/kube/apiserver.ts';
import { type Etcd, startEtcd } from '../../test/kube/etcd.ts';
import { findBuilt } from '../../test/kube/programs.ts';
import { CHART, CONFIG, EXAMPLES, type Outcome, runProgram } from './helm.fixture.ts';

interface KubeObject {
  kind: string;
  metadata: { name: string };
  spec: { template: { metadata: { annotations: Record<string, string> }; spec: object } };
  data: Record<string, string>;
}

/** As the examples say to use them. */
const RELEASES = {
  smallest: ['--set-file', `config=${CONFIG}`],
  confined: ['--set-file', `config=${CONFIG}`],
  'own-objects': [],
};
type Example = keyof typeof RELEASES;
const EXAMPLE_NAMES = Object.keys(RELEASES) as Example[];

const home = mkdtempSync(join(tmpdir(), 'bartizan-chart-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const helm = (...args: string[]): Outcome => runProgram(findBuilt('helm') as string, args, home);
const valuesOf = (example: Example) => ['-f', join(EXAMPLES, `${example}.yaml`), ...RELEASES[example]];
const template = (...args: string[]) => helm('template', 'bartizan', CHART, '-n', 'monitoring', ...args);
const objectsOf = (text: string) => parseAllDocuments(text).map((one) => one.toJS() as KubeObject);

function render(...args: string[]): KubeObject[] {
  const { code, out, err } = template(...args);
  expect([code, err]).toEqual([0, '']);
  return objectsOf(out);
}

const ofKind = (objects: readonly KubeObject[], kind: string) =>
  objects.find((one) => one.kind === kind) as KubeObject;

it('every example is rendered here', () => {
  const files = readdirSync(EXAMPLES).filter((name) => name !== 'bartizan.yaml');
  expect(files.sort()).toEqual(EXAMPLE_NAMES.map((name) => `${name}.yaml`).sort());
});

describe.each(EXAMPLE_NAMES)('examples/%s.yaml', (example) => {
  it('passes `helm lint --strict`', () => {
    const { code, out } = helm('lint', '--strict', CHART, ...valuesOf(example));
    expect([code, out]).toEqual([0, expect.stringContaining('1 chart(s) linted, 0 chart(s) failed')]);
  });

  it('is rendered as before', async () => {
    const { code, out } = template(...valuesOf(example));
    expect(code).toBe(0);
    await expect(out).toMatchFileSnapshot(`rendered/${example}.yaml`);
  });
});

it('the configuration reaches the pod byte by byte', () => {
  const config = ofKind(render(...valuesOf('smallest')), 'ConfigMap');
  expect(config.data['bartizan.yaml']).toBe(readFileSync(CONFIG, 'utf8'));
});

it('a changed configuration or host key starts the pod anew, and a change of the chart alone does not', () => {
  const annotations = (...args: string[]) =>
    ofKind(render(...valuesOf('smallest'), ...args), 'StatefulSet').spec.template.metadata.annotations;
  const changed = join(home, 'changed.yaml');
  writeFileSync(changed, `${readFileSync(CONFIG, 'utf8')}# changed\n`);
  const before = annotations();
  expect(annotations('--set-file', `config=${changed}`)['checksum/config']).not.toBe(
    before['checksum/config'],
  );
  expect(annotations('--set', 'knownHosts=a ssh-ed25519 AAAA')['checksum/known-hosts']).not.toBe(
    before['checksum/known-hosts'],
  );
  expect(annotations('--set', 'service.annotations.a=b')).toEqual(before);
});

const asConfig = (text: string) => `--set-string=config=${text.replaceAll(',', '\\,')}`;
const STORE = 'store: { path: /var/lib/bartizan }';
const SERVER = 'server: { listen: "0.0.0.0:9470" }';

describe('values that cannot work are refused with words', () => {
  it.each<[string, string[], RegExp]>([
    [
      'no image',
      ['--set', 'image.repository='],
      /image\.repository: name the image that you built and pushed/,
    ],
    [
      'no configuration',
      ['--set', 'config='],
      /config: there is no configuration; pass one with `--set-file/,
    ],
    [
      'two configurations',
      ['--set', 'existingConfig.secret=x'],
      /config: give one of config, existingConfig\.configMap and existingConfig\.secret/,
    ],
    ['no YAML', [asConfig('a: [')], /config: it is not YAML: /],
    ['a list', [asConfig('- a')], /config: it is not YAML: /],
    ['no data folder', [asConfig(SERVER)], /write `store: \{ path: \/var\/lib\/bartizan \}`/],
    ['another data folder', [asConfig(`store: { path: ./data }\n${SERVER}`)], /the volume is mounted at/],
    ['a store without fields', [asConfig(`store: here\n${SERVER}`)], /the volume is mounted at/],
    ['no listen', [asConfig(STORE)], /write `server: \{ listen: "0\.0\.0\.0:9470" \}`/],
    ['loopback', [asConfig(`${STORE}\nserver: { listen: "127.0.0.1:9470" }`)], /the server is on loopback/],
    ['two ports', ['--set', 'port=9000'], /`server\.listen` is 0\.0\.0\.0:9470, and the value port is 9000/],
    [
      'a private key as host key',
      ['--set', 'knownHosts=-----BEGIN OPENSSH PRIVATE KEY-----'],
      /knownHosts: it contains a private key; host keys are public/,
    ],
    [
      'a private key in the configuration',
      [asConfig(`${STORE}\n${SERVER}\nk: "-----BEGIN OPENSSH PRIVATE KEY-----"`)],
      /config: it contains a private key; put it into a Secret/,
    ],
    [
      'a network file system',
      ['--set', 'persistence.storageClass=efs-sc'],
      /efs-sc is a network file system/,
    ],
    ['a variable twice', ['--set', 'env.OPS_WEBHOOK_URL=x'], /env: OPS_WEBHOOK_URL is in secretEnv too/],
    [
      'a policy without a bastion',
      ['--set', 'networkPolicy.enabled=true'],
      /networkPolicy\.bastions: list the addresses of all bastions/,
    ],
    ['an unknown value', ['--set', 'replicas=2'], /additional properties 'replicas' not allowed/],
    [
      'many readers and writers',
      ['--set', 'persistence.accessMode=ReadWriteMany'],
      /'\/persistence\/accessMode'/,
    ],
    ['a configuration as a mapping', ['--set', 'config.rules.off=x'], /'\/config': got object, want string/],
    ['a privileged port', ['--set', 'port=80'], /'\/port': minimum/],
    [
      'a secret without its key',
      ['--set', 'secretEnv.A.secret=x'],
      /'\/secretEnv\/A': missing property 'key'/,
    ],
  ])('%s', (_, args, words) => {
    // A file would win over `--set`.
    const own = args.some((arg) => /^(--set-string=)?config[.=]/.test(arg));
    const values = valuesOf('smallest').slice(0, own ? 2 : undefined);
    const { code, out, err } = template(...values, ...args);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(words);
    expect(err).not.toContain('BEGIN');
  });

  it('all at once', () => {
    const { err } = template('--set', 'networkPolicy.enabled=true');
    expect(err.match(/^ {2}- /gm)).toHaveLength(3);
  });
});

describe('a real kube-apiserver', () => {
  let etcd: Etcd;
  let apiserver: Apiserver;
  let kubeconfig: string;
  const kubectl = (...args: string[]) =>
    runProgram(findBuilt('kubectl') as string, ['--kubeconfig', kubeconfig, ...args], home);
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

  it('takes an installation and a change, and the claim outlives the release', () => {
    expect(kubectl('-n', 'monitoring', 'delete', 'serviceaccount', 'bartizan').code).toBe(0);
    const installed = release('install', 'bartizan', ...valuesOf('smallest'));
    expect([installed.code, installed.err]).toEqual([0, '']);
    expect(installed.out).toContain('exec -it statefulset/bartizan -- bartizan trust');
    const changed = release('upgrade', 'bartizan', ...valuesOf('smallest'), '--set', 'logLevel=debug');
    expect([changed.code, changed.err]).toEqual([0, '']);
    const args = '{.spec.template.spec.containers[0].args}';
    expect(
      kubectl('-n', 'monitoring', 'get', 'statefulset', 'bartizan', '-o', `jsonpath=${args}`).out,
    ).toContain('debug');
    const kept = '{.spec.persistentVolumeClaimRetentionPolicy.whenDeleted}';
    expect(kubectl('-n', 'monitoring', 'get', 'statefulset', 'bartizan', '-o', `jsonpath=${kept}`).out).toBe(
      'Retain',
    );
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
