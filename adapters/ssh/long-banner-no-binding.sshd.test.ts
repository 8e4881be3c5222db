import { describe, expect, it, vi } from 'vitest';
import { CIPHERS, probeWithLongBanners } from '../../test/openssh/long-banner.ts';
import { useServers } from '../../test/openssh/servers.ts';
import { hasNativeCrypto } from './native-crypto.ts';

/** Runs before ssh2 is imported: hides the binding, as on a machine where it was not built. */
vi.hoisted(() => {
  const { Module } = process.getBuiltinModule('node:module');
  const { _extensions } = Module as unknown as { _extensions: Record<string, () => never> };
  _extensions['.node'] = () => {
    throw new Error('not built');
  };
});

useServers();

describe('a banner of 240 KB of OpenSSH, on both hops, where ssh2 has no native binding', () => {
  it.each(CIPHERS)('does not fail the probe: %s', async (name, config) => {
    expect(hasNativeCrypto()).toBe(false);
    expect(await probeWithLongBanners(name, config)).toEqual(['n: ok']);
  });
});
