import { expect, it } from 'vitest';
import { targetOf } from '../test/prober-fixture.ts';
import { through } from './tunnel.ts';

const address = { host: '10.0.0.1', port: 22, hostKey: 'ssh-ed25519 AAAA' };
const target = targetOf('n1', address, { bastion: 'a', otherBastions: ['b'] });

it('goes through the first bastion of a node, or through the one that is named', () => {
  expect(through(target, undefined).bastion).toBe('a');
  expect(through(target, 'a').bastion).toBe('a');
  expect(through(target, 'b')).toEqual({ ...target, bastion: 'b' });
  expect(() => through(target, 'elsewhere')).toThrow(
    'bastion elsewhere does not lead to c/n1; there is a, b',
  );
});
