import { describe, expect, it } from 'vitest';
import { configOf, configText } from '../../test/config-cases.ts';
import type { Config } from '../model/config.ts';
import { awsProblems } from './on-aws.ts';

const config = configOf(configText({}));

it.each([
  ['45s', ['channels slow.timeout: a function waits 30 s for an answer at most; write `30s` or less']],
  ['30s', []],
  [undefined, []],
])('a channel that is waited for %s', (timeout, problems) => {
  const slow = { name: 'slow', type: 'webhook', theme: 'dark' as const, options: timeout ? { timeout } : {} };
  const found = awsProblems({ ...config, channels: [slow] });
  expect(found.filter((text) => text.startsWith('channels'))).toEqual(problems);
});

describe('what lies in the bucket holds no secret', () => {
  const withOptions = (options: object) =>
    awsProblems({ ...config, channels: [{ ...config.channels[0], name: 'ops', options }] } as Config);
  const secret = 'it is a secret; put it into a parameter and write `${ssm:/bartizan/…}`';

  it.each<[string, object, string[]]>([
    ['a login in an address', { url: 'https://u:pass@h.example.net/' }, [`channels ops, url: ${secret}`]],
    ['a login that is a reference', { url: 'https://u:${ssm:/p}@h.example.net/' }, []],
    ['a name without a password', { url: 'https://u@h.example.net/' }, []],
    [
      'headers',
      { headers: { Authorization: 'Bearer abc', 'x-api-token': 'abc', 'x-team': 'ops' } },
      [`channels ops, headers.Authorization: ${secret}`, `channels ops, headers.x-api-token: ${secret}`],
    ],
    ['a header that is a reference', { headers: { authorization: 'Bearer ${ssm:/p}' } }, []],
  ])('%s', (_what, options, problems) => {
    expect(withOptions(options).filter((text) => text.startsWith('channels ops'))).toEqual(problems);
  });

  it('a check', () => {
    const checked = (options: object) =>
      awsProblems({ ...config, checks: [{ ...config.checks[0], name: 'api', options }] } as Config).join(
        '\n',
      );
    expect(checked({ headers: { authorization: 'Bearer abc' } })).toContain(
      `checks api, headers.authorization: ${secret}`,
    );
    expect(checked({ token: '${env:TOKEN}' })).toContain('${env:TOKEN} is unknown to a function');
    expect(checked({ token: '${ssm:/bartizan/reader}' })).not.toContain('reader');
  });

  it('a heartbeat', () => {
    const beating = (heartbeat: string) =>
      awsProblems({ ...config, server: { ...config.server, heartbeat } } as Config);
    expect(beating('https://hc.example.net/abc').join('\n')).toContain(
      'server.heartbeat: whoever knows the address',
    );
    expect(beating('${ssm:/bartizan/heartbeat}').join('\n')).not.toContain('server.heartbeat');
  });

  it('a path of clusters', () => {
    const at = (path: string) =>
      awsProblems({
        ...config,
        inventory: [{ type: 'ssm', options: { path } }],
        channels: [{ ...config.channels[0], options: { token: '${ssm:/bartizan/slack-token}' } }],
      } as unknown as Config).filter((text) => text.startsWith('inventory'));
    expect(at('/bartizan/clusters')).toEqual([]);
    expect(at('/bartizan')).toEqual([
      'inventory.path: `/bartizan` holds ${ssm:/bartizan/slack-token} too, which is no cluster; give clusters a path of their own, such as `/bartizan/clusters`',
    ]);
  });
});

it('a syslog server for the audit is a problem, as no function sends to it', () => {
  const syslog = { address: { host: 'siem', port: 6514 }, facility: 'audit', enterprise: 1 } as const;
  expect(awsProblems({ ...config, audit: { ...config.audit, syslog } }).join('\n')).toContain(
    'audit.syslog: no function',
  );
});
