import { describe, expect, it } from 'vitest';
import { fingerprintOf, hostKeyAlgorithms, hostKeyOf, judgeHostKey, parseHostKey } from './host-keys.ts';
import { knownHostName, knownNodeNames, parseKnownHosts, withKnownHosts } from './known-hosts.ts';

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1QEaabql8lWbk+yc5xS0bcTXUsiYMxCtvMtKoJx+np';
const ECDSA =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLi1UHaJqc+uvXxjRD7noUQLiprQGUnHoq01I+VvKovd1leoqbcBPw2jWGnxvgZEEXWv0SVxO/wRq98K2U/LkOg=';
const RSA =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCkvoNYbrZURE9BU1e7eCOQFCDSe5g25ChA1b1khlO3YU6QcmsE+jiBnRa6CjkbA4oZ33Qnfxbn2MTUAerv0oTbLWNZ5PJe+wXSKjeMjidKlpWpXE958JOOB3gi5H50fLKGSTMqYl2/itpm3+HzSwrnCF4HFQsA+69K1kB7OIF2sZi0exS89VSb1vSRfZOaAPVHgnXAPGzSvYKZkVHC2owNar9ebV+p4RXgUYX4KZ2QEu4B+T9vEttEdhp7eDmLfRcOyP+3I3yMEqCP+OMrh6YMvSHzN60zDgHI+bYl1kXUWrettGMjY+liY3YjzVL1l9X1ETOFQH5O9RmKgdwnAR+Z';
const [ed25519, ecdsa, rsa] = [ED25519, ECDSA, RSA].map(parseHostKey) as [never, never, never];

/** Hashed by `ssh-keygen -H`: gate.example.net, [10.0.0.7]:2222 */
const HASHED = `|1|Ows3TqYLRiSnLmIOdaaAido6314=|9eH96UnSFggrq5siiYqMoU6kRYY= ${ED25519}
|1|YHk8r4IH8pKyk34Vl6k5k8RbLeo=|OhRS1/KCNmQgx/64IlzwJ3RKzhs= ${ECDSA}
`;

const types = (text: string, ...names: string[]) =>
  parseKnownHosts(text)
    .find(names)
    .accepted.map((key) => key.type)
    .join(' ');

describe('known_hosts', () => {
  it.each([
    ['a host', `gate ${ED25519}`, 'gate', 'ssh-ed25519'],
    ['a host whatever its case', `Gate ${ED25519}`, 'gate', 'ssh-ed25519'],
    ['one of many', `a,gate,10.0.0.1 ${ED25519} comment here`, '10.0.0.1', 'ssh-ed25519'],
    ['several keys', `gate ${ED25519}\ngate ${RSA}\n`, 'gate', 'ssh-ed25519 ssh-rsa'],
    ['a port', `[gate]:2222 ${ED25519}`, '[gate]:2222', 'ssh-ed25519'],
    ['an IPv6 address', `[fd00::7]:2222 ${ED25519}`, knownHostName('FD00::7', 2222), 'ssh-ed25519'],
    ['a pattern', `*.example.net ${ED25519}`, 'gate.example.net', 'ssh-ed25519'],
    ['another port', `[gate]:2222 ${ED25519}`, 'gate', ''],
    ['another host', `gate ${ED25519}`, 'gatekeeper', ''],
    ['a pattern that is negated', `*.example.net,!gate.example.net ${ED25519}`, 'gate.example.net', ''],
    ['a comment', `# gate ${ED25519}`, 'gate', ''],
    ['a certificate authority', `@cert-authority gate ${ED25519}`, 'gate', ''],
    ['a key that is cut off', `gate ${ED25519.slice(0, -8)}`, 'gate', ''],
    ['a key of a type nobody has', 'gate ssh-dss AAAAB3NzaC1kc3M=', 'gate', ''],
    ['a line of something else', 'gate', 'gate', ''],
    ['a hashed host', HASHED, 'gate.example.net', 'ssh-ed25519'],
    ['a hashed host with a port', HASHED, '[10.0.0.7]:2222', 'ecdsa-sha2-nistp256'],
    ['a hash of another host', HASHED, '10.0.0.7', ''],
    ['a hash of a kind nobody knows', HASHED.replaceAll('|1|', '|2|'), 'gate.example.net', ''],
  ])('knows %s', (_, text, name, expected) => {
    expect(types(text, name)).toBe(expected);
  });

  it('tells nodes of one address behind two bastions apart', () => {
    const [name, plain] = knownNodeNames({ host: '10.0.0.5', port: 22, bastion: 'seoul' });
    expect([name, plain]).toEqual(['10.0.0.5%seoul', '10.0.0.5']);
    const text = `10.0.0.5%seoul ${ED25519}\n10.0.0.5%busan ${ECDSA}\n10.0.0.5 ${RSA}\n`;
    expect(types(text, name, plain)).toBe('ssh-ed25519');
    expect(types(text, '10.0.0.5%tokyo', plain)).toBe('ssh-rsa');
  });

  it('refuses a key that is revoked under any name', () => {
    const found = parseKnownHosts(`gate ${ED25519}\n@revoked * ${ED25519}\n`).find(['gate']);
    expect(judgeHostKey(found, ed25519)).toBe('revoked');
  });

  it.each([
    ['', `gate ${ED25519}\n`],
    [`other ${RSA}`, `other ${RSA}\ngate ${ED25519}\n`],
    [`# mine\n\ngate ${RSA}\n`, `# mine\n\ngate ${ED25519}\n`],
    [`a,gate,b ${RSA}\ngate ${ECDSA}\n`, `a,b ${RSA}\ngate ${ED25519}\n`],
    [`${HASHED}`, `${HASHED}gate ${ED25519}\n`],
  ])('is written with one key a name, and what others put there stays: %#', (before, after) => {
    expect(withKnownHosts(before, new Map([['gate', ed25519]]))).toBe(after);
  });
});

describe('host keys', () => {
  it.each([
    ['pinned', [ed25519, rsa], ed25519],
    ['changed', [ecdsa], ed25519],
    ['changed', [rsa], ed25519],
    ['unknown', [], ed25519],
  ])('are %s', (verdict, accepted, shown) => {
    expect(judgeHostKey({ accepted, revoked: [] }, shown)).toBe(verdict);
  });

  it('have the fingerprint that ssh-keygen prints', () => {
    expect([ed25519, ecdsa, rsa].map(fingerprintOf)).toEqual([
      'SHA256:9/FsYgqJ3DAJpV3g9T0rhMttJekGt5VnIjxUp06aHLw',
      'SHA256:xhFqpyS0M3afISfxuDUgcAc82skNR0O39SlAfpSM8RM',
      'SHA256:hLqeqQ/P3ETnGQVCg0vZVz1isr8LjTOQmElBLeBj7j8',
    ]);
  });

  it('are read from what a server shows', () => {
    expect(hostKeyOf(Buffer.from(ECDSA.split(' ')[1] ?? '', 'base64'))).toEqual(ecdsa);
    expect(hostKeyOf(Buffer.from('x')).type).toBe('');
  });

  it('are asked for by their pinned type first, and the others after it', () => {
    const algorithms = hostKeyAlgorithms({ accepted: [rsa], revoked: [] });
    expect(algorithms.slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
    expect(algorithms).toHaveLength(6);
    expect(hostKeyAlgorithms({ accepted: [], revoked: [] })[0]).toBe('ssh-ed25519');
  });

  it.each(['SHA256:abc', 'ssh-ed25519', `gate ${ED25519}`])('are not read from %s', (line) => {
    expect(() => parseHostKey(line)).toThrow(/^host key: /);
  });
});
