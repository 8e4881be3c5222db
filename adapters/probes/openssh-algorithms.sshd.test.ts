import { describe, expect, it } from 'vitest';
import { setupProber, startBastion, startNode, target, useServers } from '../../test/openssh/servers.ts';
import { batchOf, detailOf, outcomes } from '../../test/prober-fixture.ts';
import { ALGORITHMS } from '../ssh/algorithms.ts';

useServers();

describe('OpenSSH with configured algorithms', () => {
  it('can be reached with each key exchange, cipher and MAC of ours', async () => {
    const settings = [
      ...ALGORITHMS.kex.map((name) => `KexAlgorithms ${name}`),
      ...ALGORITHMS.cipher.map((name) => `Ciphers ${name}`),
      ...ALGORITHMS.hmac.map((name) => ['Ciphers aes128-ctr', `MACs ${name}`]),
      'Compression yes',
    ].map((lines) => [lines].flat());
    const servers = await Promise.all(settings.map((config, i) => startNode(`only-${i}`, { config })));
    const { prober } = await setupProber();
    const targets = servers.map((server, i) => target(`${settings[i]}`, server));
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(
      settings.map((config) => `${config}: ok`).sort(),
    );
  });

  it('gets scripts compressed or not, as it is configured, also after a new key exchange', async () => {
    const settings = ['yes', 'delayed', 'no'].map((value) => `Compression ${value}`);
    // Starts a new key exchange after this many bytes, which two scripts and their answers exceed.
    settings.push('RekeyLimit 2K');
    const servers = await Promise.all(
      settings.map((line, i) => startNode(`packed-${i}`, { config: [line] })),
    );
    const { prober } = await setupProber({}, { keep: 'bastion' });
    const targets = servers.map((server, i) => target(`${settings[i]}`, server));
    expect(outcomes(await prober.probe(batchOf(targets)))).toEqual(
      settings.map((line) => `${line}: ok`).sort(),
    );
  });

  it.each([
    ['KexAlgorithms diffie-hellman-group-exchange-sha256', 'key exchange'],
    ['KexAlgorithms sntrup761x25519-sha512@openssh.com', 'key exchange'],
    ['Ciphers chacha20-poly1305@openssh.com', 'cipher'],
    ['MACs hmac-sha1', 'MAC'],
  ])('%s alone is explained, for a bastion and for a node', async (setting, what) => {
    const [, algorithm] = setting.split(' ');
    const options = {
      config: [setting, ...(what === 'MAC' ? ['Ciphers aes128-ctr'] : [])],
      hostKeys: ['ed25519'] as const,
    };
    const expected = new RegExp(
      `^no common ${what}: it offers ${algorithm}; bartizan uses .*; see docs/ssh\\.md$`,
    );
    const name = `${algorithm}`;
    const node = await startNode(`node-${name}`, options);
    const viaNode = await (await setupProber()).prober.probe(batchOf([target('n', node)]));
    expect(outcomes(viaNode)).toEqual(['n: protocol/handshake']);
    expect(detailOf(viaNode, 'n')).toMatch(expected);
    const hop = await startBastion(`hop-${name}`, options);
    const { prober } = await setupProber({}, { hop });
    const { bastion } = await prober.probe(batchOf([target('n', node)]));
    expect(bastion.ok ? 'ok' : bastion.failure.detail).toMatch(expected);
  });
});
