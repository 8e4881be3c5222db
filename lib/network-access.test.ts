import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { KINDS } from '../adapters/registry.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { Config } from '../core/model/config.ts';
import { EXAMPLE, exampleText } from '../test/stacks/synth.ts';
import type { Account } from './account.ts';
import { ADDRESS_FIELD, parseAddress } from './addresses.ts';
import { checkNetworkAccess } from './network-access.ts';
import { preflight } from './preflight.ts';
import { readSettings } from './settings.ts';

type Context = Record<string, string>;

const OWN = {};
const NONE = { network: 'none' };
const EXISTING = { vpcId: 'vpc-11111111', privateSubnetIds: 'subnet-11111111' };
const INSIDE = { storeInVpc: 'true', egressPorts: '443' };

function configOf(...replace: [string, string][]): Config {
  const text = exampleText(replace);
  const parsed = parseConfig(text, { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const withBastion = (host: string) => configOf(['host: bastion.example.net', `host: "${host}"`]);
const withHook = (url: string) => configOf(['"${ssm:/bartizan/on-call-url}"', JSON.stringify(url)]);
const find = (config: Config, context: Context) =>
  checkNetworkAccess(
    config,
    readSettings((name) => context[name]),
  );
const problemOf = (config: Config, context: Context) => find(config, context).problems.join('\n');

describe('an address with unknown secrets', () => {
  it.each<[text: string, host: string | undefined, port: number | undefined]>([
    ['https://hooks.example', 'hooks.example', 443],
    ['http://hooks.example/a:1/b@c', 'hooks.example', 80],
    ['HTTPS://Hooks.Example:8443/x', 'hooks.example', 8443],
    ['https://hooks.example:/x', 'hooks.example', 443],
    ['https://hooks.example:8443/${ssm:/a/b}', 'hooks.example', 8443],
    ['https://u:${ssm:/a/b}@hooks.example:8443/', 'hooks.example', 8443],
    ['https://${ssm:/a/b}:${ssm:/a/b}@hooks.example?x=${ssm:c}', 'hooks.example', 443],
    ['https://${ssm:/a/b}.example:8443/', undefined, 8443],
    ['https://${ssm:/a/b}.example/', undefined, 443],
    ['https://${ssm:/a/b}/x', undefined, undefined],
    ['https://hooks.example${ssm:/a/b}', undefined, undefined],
    ['https://hooks.example:${ssm:/a/port}/', 'hooks.example', undefined],
    ['https://hooks.example:8${ssm:/a/port}/', 'hooks.example', undefined],
    ['${ssm:/a/b}', undefined, undefined],
    ['${ssm:/a/b}:8443', undefined, undefined],
    ['http://[fd00::1]:8428/', 'fd00::1', 8428],
    ['http://0x7f.1:9090', '127.0.0.1', 9090],
  ])('%s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
  });

  it('is found in every field with an address', () => {
    const adapters = [...KINDS.channels, ...KINDS.stores];
    const fields = adapters.flatMap(({ options }) => {
      const { properties = {} } = z.toJSONSchema(options as z.ZodType, {
        io: 'input',
        unrepresentable: 'any',
      });
      return Object.entries(properties).flatMap(([name, property]) => {
        const { description = '', format } = property as { description?: string; format?: string };
        const isAddress = format === 'uri' || /^(Base )?address|^Proxy on the way/i.test(description);
        return isAddress || /url|endpoint|address|host|proxy/i.test(name) ? [name] : [];
      });
    });
    expect([...new Set(fields)].filter((name) => !ADDRESS_FIELD.test(name))).toEqual(['proxy']);
    expect(new Set(fields)).toEqual(new Set(['url', 'urls', 'writeUrl', 'apiUrl', 'endpoint', 'proxy']));
  });
});

describe('a bastion', () => {
  const PRIVATE = ['10.0.0.5', '172.16.0.1', '172.31.255.254', '192.168.1.1', '100.64.0.1', '100.127.1.1'];

  it.each(PRIVATE)('at %s is reachable from an existing network, and from no other', (host) => {
    const config = withBastion(host);
    const own = `bastions seoul.host: ${host} is a private address, and the network that the deployment makes leads to public ones; name the network that leads there, \`-c vpcId=… -c privateSubnetIds=…\`. Where you have connected the two (a peering, say), add \`-c confirm=private\``;
    expect(problemOf(config, OWN)).toBe(own);
    expect(problemOf(config, { natInstance: 't4g.nano' })).toBe(own);
    expect(problemOf(config, NONE)).toMatch(/private address, and `-c network=none` leads to public ones;/);
    expect(problemOf(config, EXISTING)).toBe('');
    expect(problemOf(config, { confirm: 'private' })).toBe('');
  });

  it.each([
    '9.255.255.255',
    '11.0.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '10.internal',
  ])('at %s is reachable from everywhere', (host) => {
    for (const context of [OWN, NONE, EXISTING]) expect(problemOf(withBastion(host), context)).toBe('');
  });

  it.each(['127.0.0.1', '127.8.9.10', '0.0.0.0', '169.254.1.1', 'localhost'])(
    'at %s would be the function itself, in any network',
    (host) => {
      for (const context of [OWN, NONE, EXISTING])
        expect(problemOf(withBastion(host), context)).toMatch(
          / is the function itself and nothing runs there;/,
        );
      // An emulator runs functions on the machine of its bastion.
      expect(problemOf(withBastion(host), { confirm: 'private' })).toBe('');
    },
  );

  it.each(['2001:db8::1', 'fd00::1', '::1', 'fe80::1%eth0', '::ffff:10.0.0.1'])(
    'at %s has an address that functions cannot use',
    (host) => {
      for (const context of [OWN, NONE, EXISTING, { confirm: 'private' }])
        expect(problemOf(withBastion(host), context)).toMatch(
          /^bastions seoul\.host: .* functions speak IPv4 alone/,
        );
    },
  );
});

describe('a service', () => {
  const HOOK = 'http://10.0.0.5:8080/${ssm:/bartizan/hook}';

  it('at a private address is reachable for functions in an existing network', () => {
    expect(problemOf(withHook(HOOK), EXISTING)).toBe(
      'channels on-call.url: 10.0.0.5 is a private address, and store, evaluate and deliver run outside of any network; put them into the one that leads there, `-c storeInVpc=true` with `-c vpcId=… -c privateSubnetIds=…`',
    );
    expect(problemOf(withHook(HOOK), NONE)).toMatch(/outside of any network/);
    expect(problemOf(withHook(HOOK), { ...INSIDE })).toMatch(
      / the network that the deployment makes leads to/,
    );
    expect(problemOf(withHook(HOOK), { ...EXISTING, ...INSIDE })).toBe('');
  });

  it('means each server of a channel that has several', () => {
    const config = configOf();
    const channels = config.channels.slice(0, 1).map((channel) => ({
      ...channel,
      name: 'ours',
      options: { urls: ['http://10.0.0.7:9093', 'http://10.0.0.9:9094'] },
    }));
    expect(find({ ...config, channels }, OWN).problems.map((line) => line.replace(/ is .*/, ''))).toEqual([
      'channels ours.urls: 10.0.0.7',
      'channels ours.urls: 10.0.0.9',
    ]);
  });

  const LOGINS = `  publicUrl: https://b.example.net
  oidc: { issuer: "https://10.0.0.8/", clientId: b, clientSecret: "\${ssm:/bartizan/client}", groups: [{ group: ops, scope: read }] }`;

  it('means the store with both of its addresses, the heartbeat, and logins of people', () => {
    const text = exampleText();
    const store =
      'store: { type: prometheus, url: "http://10.0.0.5:8428", writeUrl: "http://10.0.0.6:8428/w" }\n';
    const config = configOf(
      ['heartbeat: ${ssm:/bartizan/heartbeat}', `heartbeat: "https://192.168.0.1/ping"\n${LOGINS}`],
      [text.slice(text.indexOf('store:\n')), store],
    );
    expect(find(config, OWN).problems.map((line) => line.replace(/ is .*/, ''))).toEqual([
      'store.url: 10.0.0.5',
      'store.writeUrl: 10.0.0.6',
      'server.heartbeat: 192.168.0.1',
      'server.oidc.issuer: 10.0.0.8',
    ]);
  });

  it('behind a proxy is not connected to, but the proxy is', () => {
    const config = configOf([
      '"${ssm:/bartizan/on-call-url}"',
      '"http://[fd00::1]/x", proxy: "http://10.0.0.9:3128"',
    ]);
    expect(problemOf(config, OWN)).toMatch(/^channels on-call\.proxy: 10\.0\.0\.9 is a private address/);
    expect(problemOf(config, { ...EXISTING, ...INSIDE })).toBe('');
  });

  it('with a port in a parameter causes a warning, until egressPorts names the port', () => {
    const inside = { ...EXISTING, storeInVpc: 'true' };
    expect(find(withHook('https://hooks.example:8443/${ssm:/bartizan/hook}'), inside).warnings).toEqual([
      '-c egressPorts: parameters hold the ports of server.heartbeat, and the network lets functions out to 443, 8443 alone. Where one has another port, name it, `-c egressPorts=8443`; where none has, `-c egressPorts=443` says so',
    ]);
    expect(find(configOf(), { ...inside, egressPorts: '443' }).warnings).toEqual([]);
    expect(find(configOf(), EXISTING).warnings).toEqual([]);
  });
});

it('causes a problem in preflight too, with the settings of the last deployment', async () => {
  const config = withBastion('10.1.2.3');
  const account = (remembered: Context | undefined): Account => ({
    region: async () => 'ap-northeast-2',
    identity: async () => '123456789012',
    bootstrapVersion: async () => 30,
    missingParameters: async () => [],
    remembered: async () =>
      remembered && {
        settings: remembered,
        bastions: [{ name: 'seoul', host: '10.1.2.3', port: 22 }],
        bucket: 'b',
      },
    rememberedByData: async () => undefined,
    deployedBastions: async () => undefined,
    stateTable: async () => undefined,
    upload: async () => undefined,
    concurrency: async () => ({ all: 1000, unreserved: 1000 }),
    timestream: async () => undefined,
    workspaceWindow: async () => 600,
    ownNetwork: async () => undefined,
  });
  const accountLookup = (context: Context, remembered?: Context) => {
    const options = { config, file: 'my.yaml', qualifier: 'q', context: (name: string) => context[name] };
    return preflight(options, account(remembered));
  };
  await expect(accountLookup({})).rejects.toThrow(
    /1 problem to solve first\n {2}bastions seoul\.host: 10\.1\.2\.3 is a private address, .*-c vpcId=/,
  );
  const inside = { ...EXISTING, storeInVpc: 'true', alarmEmail: 'ops@example.net' };
  expect((await accountLookup(inside)).warnings).toEqual([
    expect.stringMatching(
      /^-c egressPorts: .* of channels on-call\.url, server\.heartbeat, .* to 443 alone\./,
    ),
  ]);
  const again = await accountLookup({}, { ...inside, egressPorts: '8443' });
  expect([again.warnings, again.settings.egressPorts]).toEqual([[], [8443]]);
});
