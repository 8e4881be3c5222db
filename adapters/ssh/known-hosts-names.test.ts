import { expect, it } from 'vitest';
import { namesOfHost, namesOfNode } from './known-hosts-names.ts';

// `ssh -G` of OpenSSH 9 gives the same; known-hosts.sshd.test.ts asks it.
it.each([
  ['gate.example', 'gate.example'],
  ['GATE.Example', 'gate.example'],
  ['FD00:0::7', 'fd00::7'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['fe80:0::5%eth0', 'fe80::5%eth0'],
  ['127.1', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['10.0.0.010', '10.0.0.8'],
  ['10.0.0.999', '10.0.0.999'],
  ['dead.beef', 'dead.beef'],
  ['abc', 'abc'],
  ['x@127.1', 'x@127.1'],
])('%s is looked for as %s', (host, plain) => {
  expect(namesOfHost({ host, port: 22 })).toEqual({ plain });
});

it('a port other than 22 is a part of the name', () => {
  expect(namesOfHost({ host: 'Gate', port: 2222 })).toEqual({ plain: '[gate]:2222', withoutPort: 'gate' });
  expect(namesOfNode({ host: 'FD00::7', port: 2222, bastion: 'Seoul' })).toEqual({
    plain: '[fd00::7]:2222',
    withoutPort: 'fd00::7',
    scoped: '[fd00::7%seoul]:2222',
  });
});
