import { expect, it } from 'vitest';
import { configOf, configText } from '../../test/config-cases.ts';

const loopback = (server: string) =>
  configOf(`${configText()}server: { ${server} }\n`).server.history.loopback;

it.each([
  ['', 'read'],
  ["listen: '127.0.0.1:9470', hosts: [localhost]", 'read'],
  ["publicUrl: 'http://localhost:9470'", 'read'],
  ["publicUrl: 'https://bartizan.example'", 'none'],
  ['hosts: [bartizan.example]', 'none'],
  ['hosts: [127.bartizan.example]', 'none'],
  ["publicUrl: 'http://127.bartizan.example'", 'none'],
  ["listen: '0.0.0.0:9470'", 'none'],
  ["listen: '10.0.0.5:9470'", 'none'],
  ["listen: '0.0.0.0:9470', history: { loopback: read }", 'read'],
])('without a token, callers of this machine may, with %s: %s', (server, access) => {
  expect(loopback(server)).toBe(access);
});
