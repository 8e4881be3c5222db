import { expect, it } from 'vitest';
import { parseConfig } from '../../core/config/parse.ts';
import { KINDS } from '../registry.ts';

function check(written: string, more = '') {
  const text = `bastions: [{ name: b, host: b, user: u, privateKey: "\${file:key}" }]
inventory: [{ type: http, name: own, url: "https://api.example.net", ${written} }]
${more}`;
  const { ok, ...found } = parseConfig(text, { file: 'f', kinds: KINDS, baseDir: '/', nowMs: 0 });
  return { ok, messages: 'problems' in found ? found.problems.map(({ message }) => message) : [] };
}

it.each([
  ['nextParameter: pageToken', '`nextParameter` needs `next` beside it: the path of what it takes'],
  ['clientKey: "${file:client.key}"', '`clientKey` needs `clientCertificate` beside it'],
  ['clientCertificate: "${file:client.pem}"', '`clientCertificate` needs `clientKey` beside it'],
  ['nodeLabels: { node: vm.name }', 'the name `node` is taken'],
  ['clusterLabels: { "a-b": x }', '`a-b` is not a label name'],
  ['clusterLabels: { zone: "a..b" }', 'this is no path into JSON'],
])('is found wrong before anybody asks: %s', (written, expected) => {
  const { ok, messages } = check(written);
  expect(ok).toBe(false);
  expect(messages).toContainEqual(expect.stringContaining(expected));
});

it('has names of labels that routes know, also where they are nearly others', () => {
  const routes = `channels: [{ name: ops, type: webhook, url: "https://ops.example.net" }]
routes: [{ name: x, match: { nodes: a }, channels: [ops] }, { name: rest, channels: [ops] }]`;
  const unknown = 'there is no label `nodes`';
  expect(check('nodeLabels: { rack: vm.rack }', routes).messages).toContain(unknown);
  expect(check('nodeLabels: { nodes: vm.pool }', routes).messages).not.toContain(unknown);
});
