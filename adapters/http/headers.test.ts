import { expect, it } from 'vitest';
import { webhook } from '../channels/webhook/webhook.ts';
import { prometheus } from '../stores/prometheus/prometheus.ts';

const OWNERS = [
  ['webhook', webhook.options],
  ['prometheus', prometheus.options],
] as const;

it.each(OWNERS)('%s accepts headers, except those that HTTP sets itself', (_, options) => {
  const problems = (headers: Record<string, string>) =>
    options
      .safeParse({ url: 'https://example.net', headers })
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  expect(
    problems({ 'X-Scope-OrgID': 'team', authorization: 'Bearer ${env:TOKEN}', 'x-host': 'a' }),
  ).toBeUndefined();
  for (const name of [
    'Content-Length',
    'host',
    'HOST',
    'Transfer-Encoding',
    'connection',
    'Upgrade',
    'TE',
    'expect',
  ])
    expect(problems({ [name]: 'x' })).toEqual([`headers.${name}: HTTP sets this header itself; remove it`]);
});
