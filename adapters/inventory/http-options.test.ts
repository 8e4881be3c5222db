import { expect, it } from 'vitest';
import { parseConfig } from '../../core/config/parse.ts';
import { KINDS } from '../registry.ts';

it.each([
  ['nextParameter: pageToken', '`nextParameter` needs `next` beside it: the path of what it takes'],
  ['clientKey: "${file:client.key}"', '`clientKey` needs `clientCertificate` beside it'],
  ['clientCertificate: "${file:client.pem}"', '`clientCertificate` needs `clientKey` beside it'],
])('is found wrong before anybody asks: %s', (written, expected) => {
  const text = `bastions: [{ name: b, host: b, user: u, privateKey: "\${file:key}" }]
inventory: [{ type: http, name: own, url: "https://api.example.net", ${written} }]`;
  const { ok, ...found } = parseConfig(text, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: 0 });
  expect(ok).toBe(false);
  expect('problems' in found && found.problems.map(({ message }) => message)).toContain(expected);
});
