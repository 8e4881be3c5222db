import { expect, it } from 'vitest';
import { defineExample } from './synth.ts';

it.each([
  ['999.1.1.1', '`999.1.1.1` is no address'],
  ['10.1.2', '`10.1.2` is no address'],
  ['"2001:db8::1"', 'functions have no IPv6'],
])('synth refuses a bastion at %s before it writes a firewall rule', (host, error) => {
  expect(() => defineExample({ replace: [['bastion.example.net', host]] })).toThrow(
    `bastions seoul: ${error}`,
  );
});
