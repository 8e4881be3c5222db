import { describe, expect, it } from 'vitest';
import { hash } from '../../test/openssh/known-hosts-lines.ts';
import { checkHostKey, fingerprintOf, hostKeyAlgorithms, hostKeyOf, parseHostKey } from './host-keys.ts';
import { parseKnownHosts } from './known-hosts.ts';
import { withLearnedKeys } from './known-hosts-change.ts';
import { type HostNames, namesOfHost, namesOfNode, writtenName } from './known-hosts-names.ts';

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

const types = (text: string, names: HostNames) =>
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
    ['several patterns', `g* ${ED25519}\n*e ${RSA}\n`, 'gate', 'ssh-ed25519 ssh-rsa'],
    ['several hashes', `${hash('gate')} ${ED25519}\n${hash('gate')} ${RSA}\n`, 'gate', 'ssh-ed25519 ssh-rsa'],
    ['a port', `[gate]:2222 ${ED25519}`, '[gate]:2222', 'ssh-ed25519'],
    [
      'an IPv6 address',
      `[fd00::7]:2222 ${ED25519}`,
      namesOfHost({ host: 'FD00::7', port: 2222 }).plain,
      'ssh-ed25519',
    ],
    ['a pattern', `*.example.net ${ED25519}`, 'gate.example.net', 'ssh-ed25519'],
    ['another port', `[gate]:2222 ${ED25519}`, 'gate', ''],
    ['another host', `gate ${ED25519}`, 'gatekeeper', ''],
    ['a pattern that is negated', `*.example.net,!gate.example.net ${ED25519}`, 'gate.example.net', ''],
    ['a comment', `# gate ${ED25519}`, 'gate', ''],
    ['a certificate authority', `@cert-authority gate ${ED25519}`, 'gate', ''],
    ['a key that is cut off', `gate ${ED25519.slice(0, -8)}`, 'gate', ''],
    ['a key of a type that nobody uses', 'gate ssh-dss AAAAB3NzaC1kc3M=', 'gate', ''],
    ['a line of something else', 'gate', 'gate', ''],
    ['a hashed host', HASHED, 'gate.example.net', 'ssh-ed25519'],
    ['a hashed host with a port', HASHED, '[10.0.0.7]:2222', 'ecdsa-sha2-nistp256'],
    ['a hash of another host', HASHED, '10.0.0.7', ''],
    ['a hash of an unknown kind', HASHED.replaceAll('|1|', '|2|'), 'gate.example.net', ''],
  ])('knows %s', (_, text, name, expected) => {
    expect(types(text, { plain: name })).toBe(expected);
  });

  it('distinguishes nodes with one address behind two bastions', () => {
    const names = (bastion: string) => namesOfNode({ host: '10.0.0.5', port: 22, bastion });
    expect(names('seoul')).toEqual({ scoped: '10.0.0.5%seoul', plain: '10.0.0.5' });
    const text = `10.0.0.5%seoul ${ED25519}\n10.0.0.5%busan ${ECDSA}\n10.0.0.5 ${RSA}\n`;
    expect(types(text, names('seoul'))).toBe('ssh-ed25519');
    expect(types(text, names('tokyo'))).toBe('ssh-rsa');
  });

  const node = namesOfNode({ host: '10.0.0.5', port: 22, bastion: 'seoul' });
  it.each([
    [
      'a pattern does not come before a line of the host',
      `* ${ECDSA}\n10.0.0.5 ${ED25519}`,
      'ssh-ed25519 ecdsa-sha2-nistp256',
    ],
    ['a negated host is kept out', `*,!10.0.0.5 ${ED25519}`, ''],
    ['a negated host is kept out of a pattern of its bastion', `*%seoul,!10.0.0.5 ${ED25519}`, ''],
    ['it is kept out by its own name', `*,!10.0.0.5%seoul ${ED25519}`, ''],
    ['it is kept out by its bastion', `10.0.0.*,!*%seoul ${ED25519}`, ''],
    ['another bastion keeps nobody out', `*,!*%busan ${ED25519}`, 'ssh-ed25519'],
    ['a pattern that would match the bastion does not', `*seoul ${ED25519}`, ''],
    ['a pattern of its bastion comes first', `10.0.0.5 ${ECDSA}\n10.*%se?ul ${ED25519}`, 'ssh-ed25519'],
    [
      'also where another of its patterns is of the host',
      `10.0.0.5 ${ECDSA}\n*%seoul,10.0.0.* ${ED25519}`,
      'ssh-ed25519',
    ],
    ['a hash of the host does not', `${hash('10.0.0.5')} ${ECDSA}\n10.0.0.5%seoul ${ED25519}`, 'ssh-ed25519'],
    ['so does a hash', `10.0.0.5 ${ECDSA}\n${hash('10.0.0.5%seoul')} ${ED25519}`, 'ssh-ed25519'],
  ])('%s', (_what, text, expected) => {
    expect(types(text, node)).toBe(expected);
  });

  it('finds each of several names, also when it is asked again', () => {
    const hosts = parseKnownHosts(`a ${ED25519}\nb ${RSA}\n`);
    const found = ['a', 'b', 'a'].map((plain) => hosts.find({ plain }).accepted.map(({ type }) => type));
    expect(found).toEqual([['ssh-ed25519'], ['ssh-rsa'], ['ssh-ed25519']]);
  });

  it('does not ask for the host without its port where it knows it with its port', () => {
    const names = namesOfHost({ host: 'gate', port: 2222 });
    const text = `gate ${RSA}\n[gate]:2222 ${ED25519}\n`;
    expect(parseKnownHosts(text).find(names)).toEqual({ accepted: [ed25519], revoked: [] });
    expect(parseKnownHosts(`gate ${RSA}\n`).find(names)).toMatchObject({ accepted: [], withoutPort: [rsa] });
  });

  it('an address with a zone is a host, and the bastion follows the zone', () => {
    const zoned = namesOfNode({ host: 'fe80::5%eth0', port: 22, bastion: 'seoul' });
    expect(types(`fe80::5%eth0 ${ED25519}`, zoned)).toBe('ssh-ed25519');
    expect(types(`fe80::5%* ${ECDSA}\nfe80::5%eth0%seoul ${ED25519}`, zoned)).toBe('ssh-ed25519');
  });

  describe.each([
    ['node and bastion', `10.0.0.5%seoul ${ED25519}`],
    ['the host alone', `10.0.0.5 ${ED25519}`],
    ['a hash of node and bastion', `${hash('10.0.0.5%seoul')} ${ED25519}`],
    ['a hash of the host', `${hash('10.0.0.5')} ${ED25519}`],
  ])('a key that is pinned under %s', (_what, pin) => {
    it.each([
      ['node and bastion', `@revoked 10.0.0.5%seoul ${ED25519}`],
      ['the host alone', `@revoked\t10.0.0.5\t${ED25519}`],
      ['a hash of node and bastion', `@revoked ${hash('10.0.0.5%seoul')} ${ED25519}`],
      ['a hash of the host', `@revoked ${hash('10.0.0.5')} ${ED25519}`],
      ['a pattern of the bastion', `@revoked *%seoul ${ED25519}`],
      ['a pattern of the host', `@revoked * ${ED25519}`],
      ['a list that ends with the host', `@revoked gate,10.0.0.5 ${ED25519}`],
    ])('is refused once it is revoked under %s', (_name, revoked) => {
      for (const text of [`${pin}\n${revoked}\n`, `${revoked}\n${pin}\n`]) {
        const keys = parseKnownHosts(text).find(node);
        expect(checkHostKey(keys, ed25519), text).toBe('revoked');
        expect(checkHostKey(keys, rsa), text).toBe('changed');
      }
    });

    it.each([
      ['another bastion', `@revoked 10.0.0.5%busan ${ED25519}`],
      ['another port', `@revoked [10.0.0.5]:2222 ${ED25519}`],
      ['another host', `@revoked 10.0.0.6 ${ED25519}`],
      ['a pattern that excludes the host', `@revoked *,!10.0.0.5 ${ED25519}`],
    ])('is accepted although it is revoked under %s', (_name, revoked) => {
      expect(checkHostKey(parseKnownHosts(`${pin}\n${revoked}\n`).find(node), ed25519)).toBe('pinned');
    });
  });

  it.each(['10.0.0.5', '[10.0.0.5]:2222', '[10.0.0.5%seoul]:2222'])(
    'refuses a key that is pinned without the port and revoked under %s',
    (name) => {
      const names = namesOfNode({ host: '10.0.0.5', port: 2222, bastion: 'seoul' });
      const pin = `10.0.0.5 ${ED25519}`;
      expect(checkHostKey(parseKnownHosts(pin).find(names), ed25519)).toBe('pinned');
      const keys = parseKnownHosts(`${pin}\n@revoked ${name} ${ED25519}\n`).find(names);
      expect(checkHostKey(keys, ed25519)).toBe('revoked');
    },
  );

  it.each(['ssh-dss', 'sk-ssh-ed25519@openssh.com', 'ssh-ed25519-cert-v01@openssh.com'])(
    'a host with a known %s key has changed when it presents one that we can use',
    (type) => {
      const field = (text: string) => `\0\0\0${String.fromCharCode(text.length)}${text}`;
      const blob = Buffer.from(field(type) + field('x'), 'latin1').toString('base64');
      const found = parseKnownHosts(`gate ${type} ${blob}`).find({ plain: 'gate' });
      expect(checkHostKey(found, ed25519)).toBe('changed');
      expect(hostKeyAlgorithms(found)).toHaveLength(6);
    },
  );

  it.each([
    ['', `gate ${ED25519}\n`],
    [`other ${RSA}`, `other ${RSA}\ngate ${ED25519}\n`],
    [`# mine\n\ngate ${RSA}\n`, `# mine\n\ngate ${ED25519}\n`],
    [`a,gate,b ${RSA}\ngate ${ECDSA}\n`, `a,b ${RSA}\ngate ${ED25519}\n`],
    [`${HASHED}`, `${HASHED}gate ${ED25519}\n`],
    [`\ta,GATE\t${RSA}  mine \r\n`, `\ta\t${RSA}  mine \r\ngate ${ED25519}\n`],
    [`g*,gate ${RSA} x\n`, `g*,!gate ${RSA} x\ngate ${ED25519}\n`],
    [`gate,!other ${RSA}\n`, `gate ${ED25519}\n`],
    [
      `@revoked gate ${RSA}\n@cert-authority gate ${RSA}\n`,
      `@revoked gate ${RSA}\n@cert-authority gate ${RSA}\ngate ${ED25519}\n`,
    ],
    [`gate nothing\n`, `gate nothing\ngate ${ED25519}\n`],
  ])('writes one key per name, and keeps what others wrote: %#', (before, after) => {
    const learned = { names: { plain: 'gate' }, key: ed25519, sharesPlainName: false };
    expect(withLearnedKeys(before, [learned])).toBe(after);
  });

  it('writes a key under the name of node and bastion, and removes the host from other lines', () => {
    const learned = { names: node, key: ed25519, sharesPlainName: false };
    const text = `10.0.0.5 ${RSA}\n10.0.0.* ${RSA}\n`;
    const after = `10.0.0.*,!10.0.0.5%seoul,!10.0.0.5 ${RSA}\n${writtenName(node)} ${ED25519}\n`;
    expect(withLearnedKeys(text, [learned])).toBe(after);
    expect(withLearnedKeys(after, [learned])).toBe(after);
  });
});

describe('host keys', () => {
  it.each([
    ['pinned', [ed25519, rsa], ed25519],
    ['changed', [ecdsa], ed25519],
    ['changed', [rsa], ed25519],
    ['unknown', [], ed25519],
  ])('are %s', (verdict, accepted, presented) => {
    expect(checkHostKey({ accepted, revoked: [] }, presented)).toBe(verdict);
  });

  it('have the fingerprint that ssh-keygen prints', () => {
    expect([ed25519, ecdsa, rsa].map(fingerprintOf)).toEqual([
      'SHA256:9/FsYgqJ3DAJpV3g9T0rhMttJekGt5VnIjxUp06aHLw',
      'SHA256:xhFqpyS0M3afISfxuDUgcAc82skNR0O39SlAfpSM8RM',
      'SHA256:hLqeqQ/P3ETnGQVCg0vZVz1isr8LjTOQmElBLeBj7j8',
    ]);
  });

  it('are read from the blob that a server presents', () => {
    expect(hostKeyOf(Buffer.from(ECDSA.split(' ')[1] ?? '', 'base64'))).toEqual(ecdsa);
    expect(hostKeyOf(Buffer.from('x')).type).toBe('');
  });

  it('are requested by their pinned type first, then the others', () => {
    const algorithms = hostKeyAlgorithms({ accepted: [rsa], revoked: [] });
    expect(algorithms.slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
    expect(algorithms).toHaveLength(6);
    expect(hostKeyAlgorithms({ accepted: [], revoked: [] })[0]).toBe('ssh-ed25519');
  });

  it.each(['SHA256:abc', 'ssh-ed25519', `gate ${ED25519}`])('are not read from %s', (line) => {
    expect(() => parseHostKey(line)).toThrow(/^host key: /);
  });
});
