// The chart by a real helm: golden renderings, and values that are refused.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from '../../core/config/parse.ts';
import manifest from '../../package.json' with { type: 'json' };
import {
  CHART,
  CONFIG,
  EXAMPLE_NAMES,
  EXAMPLES,
  helm,
  home,
  ofKind,
  render,
  template,
  valuesOf,
} from './helm.fixture.ts';

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

it('is of the version of the program, which is the tag of its image', () => {
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { appVersion: string };
  expect(chart.appVersion).toBe(manifest.version);
});

it.each([
  ['eu.monitoring', 'eu-monitoring-bartizan'],
  ['bartizan-eu', 'bartizan-eu'],
  [
    'a-release-that-has-a-name-of-fifty-three-characters-ab',
    'a-release-that-has-a-name-of-fifty-three-characters',
  ],
])('objects of the release %s have a name that every kind may have', (release, name) => {
  const { out } = helm('template', release.slice(0, 53), CHART, ...valuesOf('smallest'));
  expect(out).toMatch(new RegExp(`kind: Service\nmetadata:\n {2}name: "${name}"\n`));
});

it.each(['123', '0x1f', '1e3', '012', 'true', 'null', 'off', 'y'])(
  'the name %s is text, also where YAML 1.1 reads it as another type',
  (name) => {
    const values = [
      ...['imagePullSecrets[0]', 'priorityClassName', 'persistence.storageClass', 'serviceAccount.name'],
      ...['secretEnv.Y.secret', 'secretEnv.Y.key', 'secretFiles.ssh.secret', 'existingKnownHosts.configMap'],
      ...['existingConfig.key', 'existingKnownHosts.key', 'serviceMonitor.token.secret', 'podLabels.team'],
    ].map((value) => `--set-string=${value}=${name}`);
    const claim = ['--set-string', `persistence.existingClaim=${name}`];
    const other = [
      '--set',
      'knownHosts=,networkPolicy.ingress[0].podSelector.a=b',
      '--set-string',
      'env.NO=1',
    ];
    for (const args of [values, [...claim, '--set-string', `existingConfig.configMap=${name},config=`]]) {
      const { code, out, err } = helm(
        ...['template', name, CHART, '--namespace', name, '--set', 'fullnameOverride=no'],
        ...valuesOf('confined'),
        ...args,
        ...other,
      );
      expect([code, err]).toEqual([0, '']);
      const names = /^ +(?:- |\{ )?(?:\w*[nN]ame|namespace|key|team|NO|app\.\S+): *(.*?)(?:,.*)?$/gm;
      const texts = [...out.replaceAll(/"(?:\\.|[^"\\])*\\n(?:\\.|[^"\\])*"/g, '""').matchAll(names)];
      expect(texts.length).toBeGreaterThan(20);
      expect(
        texts.filter(([, text]) => typeof parse(text as string, { version: '1.1' }) !== 'string'),
      ).toEqual([]);
    }
  },
);

it('labels and annotations of the chart win over those of the values, which would be second ones of a name', () => {
  const { code, out } = template(
    ...valuesOf('confined'),
    ...['--set', 'podAnnotations.checksum/known-hosts=x,podAnnotations.other=y'],
    ...['--set', 'serviceMonitor.labels.app\\.kubernetes\\.io/name=x'],
  );
  expect(code).toBe(0);
  expect(parseAllDocuments(out, { uniqueKeys: true }).flatMap(({ errors }) => errors)).toEqual([]);
  expect(out).not.toMatch(/(known-hosts|name): x$/m);
  expect(out).toContain('other: "y"');
});

it('refuses a release whose objects would have a name that no Service may have', () => {
  const { code, err } = helm('template', '2nd', CHART, ...valuesOf('smallest'));
  expect([code, err]).toEqual([
    1,
    expect.stringContaining('fullnameOverride: the objects would be called 2nd-bartizan'),
  ]);
});

it('the configuration reaches the pod byte by byte', () => {
  const config = ofKind(render(...valuesOf('smallest')), 'ConfigMap');
  expect(config.data['bartizan.yaml']).toBe(readFileSync(CONFIG, 'utf8'));
});

it.each(['smallest', 'confined'] as const)(
  'examples/%s.yaml has a configuration that `check` accepts',
  (example) => {
    const text = ofKind(render(...valuesOf(example)), 'ConfigMap').data['bartizan.yaml'] as string;
    const file = '/etc/bartizan/bartizan.yaml';
    const parsed = parseConfig(text, { file, kinds: KINDS, baseDir: '/etc/bartizan' });
    expect(parsed).toMatchObject({ ok: true, warnings: [] });
  },
);

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
  const kept = annotations('--set', 'onConfigChange=none');
  expect(annotations('--set', 'onConfigChange=none', '--set-file', `config=${changed}`)).toEqual(kept);
});

it('checks the configuration in a pod of its own, which no Service leads to', () => {
  const objects = render(...valuesOf('smallest'));
  const [job, service] = [ofKind(objects, 'Job'), ofKind(objects, 'Service')] as const;
  const { selector } = service.spec as unknown as { selector: Record<string, string> };
  expect(job.spec.template.metadata).not.toMatchObject({ labels: selector });
  expect(ofKind(objects, 'StatefulSet').spec.template.metadata).toMatchObject({ labels: selector });
  for (const values of [[...valuesOf('smallest'), '--set', 'checkConfig=false'], valuesOf('own-objects')])
    expect(ofKind(render(...values), 'Job')).toBeUndefined();
});

it('passes `up` only options that it has, and allows a removal only where that is asked for', () => {
  const argsOf = (...args: string[]) => {
    const { spec } = ofKind(render(...valuesOf('smallest'), ...args), 'StatefulSet').spec.template;
    return (spec as { containers: { args: string[] }[] }).containers[0]?.args ?? [];
  };
  expect(argsOf()).not.toContain('--allow-removal');
  const [command, ...rest] = argsOf('--set', 'allowRemoval=true,logLevel=warn');
  expect(command).toBe('up');
  expect(rest).toEqual(expect.arrayContaining(['--allow-removal', '--log-level']));
  expect(argsOf()).not.toContain('--log-level');
  const reference = readFileSync('docs/cli.md', 'utf8')
    .split('\n## ')
    .find((text) => text.startsWith('up\n'));
  for (const option of rest.filter((arg) => arg.startsWith('--'))) expect(reference).toContain(option);
});

it('leaves the user to the platform where it wants to choose', () => {
  const { spec } = ofKind(render(...valuesOf('smallest'), '--set', 'user=null'), 'StatefulSet').spec.template;
  expect(spec).toMatchObject({
    securityContext: { runAsNonRoot: true, fsGroupChangePolicy: 'OnRootMismatch' },
  });
  expect(JSON.stringify(spec)).not.toContain('65532');
});

const asConfig = (text: string) => `--set-string=config=${text.replaceAll(/[,{}]/g, '\\$&')}`;
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
    [
      'a ServiceMonitor that may not read',
      ['--set', 'serviceMonitor.enabled=true'],
      /serviceMonitor: `\/metrics` answers the pod itself alone; write `server\.metrics`/,
    ],
    [
      'a ServiceMonitor without the token',
      [
        asConfig(`${STORE}\nserver: { listen: "0.0.0.0:9470", metrics: { token: "\${file:/t}" } }`),
        '--set=serviceMonitor.enabled=true',
      ],
      /serviceMonitor\.token: `\/metrics` asks for a token/,
    ],
    [
      'a ServiceMonitor, and metrics elsewhere',
      [
        asConfig(`${STORE}\nserver: { listen: "0.0.0.0:9470", metrics: { listen: "0.0.0.0:9471" } }`),
        '--set=serviceMonitor.enabled=true',
      ],
      /serviceMonitor: it reads metrics at `server\.listen`; leave `server\.metrics\.listen` out/,
    ],
    ['a variable twice', ['--set', 'env.OPS_WEBHOOK_URL=x'], /env: OPS_WEBHOOK_URL is in secretEnv too/],
    [
      'a policy without a bastion',
      ['--set', 'networkPolicy.enabled=true'],
      /networkPolicy\.bastions: list the addresses of all bastions/,
    ],
    [
      'a policy that keeps Prometheus out',
      ['--set', 'serviceMonitor.enabled=true,networkPolicy.enabled=true'],
      /networkPolicy\.ingress: serviceMonitor\.enabled asks Prometheus to read the metrics/,
    ],
    ['an unknown value', ['--set', 'replicas=2'], /additional properties 'replicas' not allowed/],
    [
      'many readers and writers',
      ['--set', 'persistence.accessMode=ReadWriteMany'],
      /'\/persistence\/accessMode'/,
    ],
    ['a configuration as a mapping', ['--set', 'config.rules.off=x'], /'\/config': got object, want string/],
    ['the user root', ['--set', 'user=0'], /'\/user': minimum/],
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
