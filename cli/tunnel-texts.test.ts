import { describe, expect, it } from 'vitest';
import { curlLine, endText, openText, quoted, UNKNOWN_CA } from './tunnel-texts.ts';

const SERVICE = {
  via: 'bastion',
  host: '10.0.0.11',
  port: 6443,
  tls: true,
  name: '10.0.0.11',
  path: '/',
} as const;

describe('the line of curl', () => {
  it.each([
    [
      SERVICE,
      { port: 6443 },
      'ca.crt',
      'curl --cacert ca.crt --connect-to 10.0.0.11:6443:127.0.0.1:6443 https://10.0.0.11:6443/',
    ],
    [
      { ...SERVICE, name: 'api.example.net', path: '/readyz?verbose' },
      { port: 8443 },
      undefined,
      `curl --cacert ${UNKNOWN_CA} --connect-to api.example.net:6443:127.0.0.1:8443 'https://api.example.net:6443/readyz?verbose'`,
    ],
    [
      { ...SERVICE, tls: false, port: 2381, name: 'fd00::7', path: '/health' },
      { port: 2381 },
      undefined,
      "curl --connect-to '[fd00::7]:2381:127.0.0.1:2381' 'http://[fd00::7]:2381/health'",
    ],
    [
      { ...SERVICE, tls: false },
      { socket: '/tmp/my api.sock' },
      undefined,
      "curl --unix-socket '/tmp/my api.sock' http://10.0.0.11:6443/",
    ],
  ])('%#', (service, end, ca, line) => {
    expect(curlLine(service, end, ca)).toBe(line);
  });
});

it.each([
  ['a-b_c./~:1', 'a-b_c./~:1'],
  ['', "''"],
  ['a b', "'a b'"],
  ["it's", "'it'\\''s'"],
  ['$(reboot)', "'$(reboot)'"],
])('%j is quoted for a shell', (text, shown) => {
  expect(quoted(text)).toBe(shown);
});

it('an end is a port of loopback, or a path', () => {
  expect([endText({ port: 1 }), endText({ socket: '/s' })]).toEqual(['127.0.0.1:1', '/s']);
});

describe('an open tunnel', () => {
  const target = { cluster: 'prod', node: 'n1', bastion: 'gate' };

  it('shows the route, a line of curl, what is missing for it, and the command for kubectl', () => {
    const open = {
      end: { port: 6443 },
      target,
      service: SERVICE,
      curl: 'curl …',
      caFile: undefined,
      isApi: true,
    };
    expect(openText(open)).toBe(`open: 127.0.0.1:6443 → bastion gate → 10.0.0.11:6443
  curl …
  (CA.crt: the authority of its certificate, which the configuration does not name as a file)
  bartizan kubeconfig prod --file prod.kubeconfig   # for kubectl
Every user of this machine can connect to this port (--socket: only you). Ctrl-C closes it.
`);
  });

  it('on a Unix socket, to what a node has on its loopback', () => {
    const service = { ...SERVICE, via: 'node', host: '127.0.0.1', port: 2381, tls: false } as const;
    const open = {
      end: { socket: 'e.sock' },
      target,
      service,
      curl: 'curl …',
      caFile: undefined,
      isApi: false,
    };
    expect(openText(open)).toBe(`open: e.sock → bastion gate → prod/n1 → 127.0.0.1:2381
  curl …
Ctrl-C closes it.
`);
  });
});
