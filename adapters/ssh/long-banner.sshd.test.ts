import { describe, expect, it } from 'vitest';
import { CIPHERS, probeWithLongBanners } from '../../test/openssh/long-banner.ts';
import { useServers } from '../../test/openssh/servers.ts';
import { hasNativeCrypto } from './native-crypto.ts';

useServers();

describe('a banner of 240 KB of OpenSSH, on both hops', () => {
  it.each(CIPHERS)('does not fail the probe: %s', async (name, config) => {
    expect(hasNativeCrypto()).toBe(true);
    expect(await probeWithLongBanners(name, config)).toEqual(['n: ok']);
  });
});
