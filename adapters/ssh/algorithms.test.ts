import { describe, expect, it } from 'vitest';
import { GOOD_OFFER, IDENTIFICATION, kexInit, type Offer, packet } from '../../test/kexinit.ts';
import { batchOf, detailOf, outcomes, targetOf } from '../../test/prober-fixture.ts';
import { healthyNode, keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { startRawNode } from '../../test/ssh-fleet.ts';
import { ALGORITHMS, explainMismatch } from './algorithms.ts';
import { parseOffer } from './server-offer.ts';

useBastion();

const OURS = ['ssh-ed25519', 'rsa-sha2-512'];

const offerOf = (changes: Partial<Offer>, before = '') =>
  parseOffer(Buffer.concat([Buffer.from(before + IDENTIFICATION), packet(kexInit(changes))]));
const explain = (changes: Partial<Offer>) => {
  const offer = offerOf(changes);
  if (!offer) throw new Error('no offer was read');
  return explainMismatch(offer, OURS);
};

describe('what we offer', () => {
  it('lets no server choose a group or how far a packet inflates, and contains no broken hash', () => {
    const names = Object.values(ALGORITHMS).flat();
    expect(names.filter((name) => /group-exchange|zlib|sha1|md5|cbc|arcfour|chacha/.test(name))).toEqual([]);
    expect(ALGORITHMS.compress).toEqual(['none']);
  });
});

describe('a server without a common algorithm', () => {
  it.each([
    [
      { kex: 'diffie-hellman-group-exchange-sha256,ext-info-s,kex-strict-s-v00@openssh.com' },
      'no common key exchange: it offers diffie-hellman-group-exchange-sha256; bartizan uses curve25519-sha256, ',
    ],
    [
      { kex: 'mlkem768x25519-sha256,sntrup761x25519-sha512' },
      'no common key exchange: it offers mlkem768x25519-sha256, sntrup761x25519-sha512; bartizan uses ',
    ],
    [
      { hostKey: 'ssh-rsa,ssh-dss' },
      'no common type of host key: it offers ssh-rsa, ssh-dss; bartizan uses ssh-ed25519, rsa-sha2-512; ',
    ],
    [
      { cipher: 'chacha20-poly1305@openssh.com' },
      'no common cipher: it offers chacha20-poly1305@openssh.com; bartizan uses aes128-gcm@openssh.com, ',
    ],
    [
      { cipher: 'aes128-ctr', mac: 'hmac-sha1,umac-64-etm@openssh.com' },
      'no common MAC: it offers hmac-sha1, umac-64-etm@openssh.com; bartizan uses hmac-sha2-256-etm@openssh.com, ',
    ],
    [{ compression: 'zlib' }, 'no common compression: it offers zlib; bartizan uses none; '],
    [{ kex: '' }, 'no common key exchange: it offers nothing; bartizan uses '],
  ])('%o names both lists', (changes, text) => {
    expect(explain(changes)).toContain(text);
    expect(explain(changes)).toMatch(/; see docs\/ssh\.md$/);
  });

  it('has no mismatch when every list matches; a cipher with its own MAC needs none of the list', () => {
    expect(explain({})).toBeUndefined();
    expect(explain({ mac: 'hmac-sha1' })).toBeUndefined();
    expect(explain({ cipher: 'aes128-ctr', mac: 'hmac-sha2-512' })).toBeUndefined();
  });

  it('may offer thousands of names, long names, and invisible characters', () => {
    const kex = Array.from({ length: 2_000 }, (_, i) => `\u202e\u001b[31m${'x'.repeat(90)}${i}\n`).join(',');
    const text = explain({ kex: `<b>,${kex}` }) ?? '';
    expect(text).toMatch(
      /^no common key exchange: it offers <b>, \[31mx+, .* and 19\d\d more; bartizan uses /,
    );
    expect(text.length).toBeLessThan(600);
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe('what a server sends in clear text', () => {
  it('is read behind greetings and other packets', () => {
    const bytes = Buffer.concat([
      Buffer.from(`Welcome\r\n\r\n${IDENTIFICATION}`),
      packet(Buffer.from([2, 0, 0, 0, 0])),
      packet(kexInit({ kex: 'a,b' })),
    ]);
    expect(parseOffer(bytes)?.kex).toEqual(['a', 'b']);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(parseOffer(bytes.subarray(0, length))).toBeUndefined();
    }
  });

  it('may be malformed', () => {
    const cut = packet(kexInit().subarray(0, 40));
    expect(parseOffer(Buffer.concat([Buffer.from(IDENTIFICATION), cut]))).toBeUndefined();
    expect(parseOffer(Buffer.from(`${IDENTIFICATION}\xff\xff\xff\xff`, 'latin1'))).toBeUndefined();
  });
});

describe('through the prober', () => {
  const odd = (changes: Partial<Offer>, connections = { count: 0 }) =>
    keep(
      startRawNode((socket) => {
        connections.count++;
        socket.write(IDENTIFICATION);
        socket.write(packet(kexInit(changes)));
      }),
    );

  it('a node without a common algorithm fails with that reason; a good one beside it answers', async () => {
    const { prober } = await setupProber();
    const targets = [
      targetOf('gex', await odd({ kex: 'diffie-hellman-group-exchange-sha256' })),
      targetOf('good', await healthyNode()),
      targetOf('rsa', await odd({ hostKey: 'ssh-rsa' })),
      targetOf('zlib', await odd({ compression: 'zlib,zlib@openssh.com' })),
    ];
    const result = await prober.probe(batchOf(targets));
    expect(outcomes(result)).toEqual([
      'gex: protocol/handshake',
      'good: ok',
      'rsa: protocol/handshake',
      'zlib: protocol/handshake',
    ]);
    expect(detailOf(result, 'gex')).toBe(
      'no common key exchange: it offers diffie-hellman-group-exchange-sha256; bartizan uses curve25519-sha256, ' +
        'ecdh-sha2-nistp256, diffie-hellman-group14-sha256, diffie-hellman-group16-sha512, ecdh-sha2-nistp384, ' +
        'ecdh-sha2-nistp521, diffie-hellman-group18-sha512; see docs/ssh.md',
    );
    expect(detailOf(result, 'rsa')).toMatch(/^no common type of host key: it offers ssh-rsa; /);
    expect(detailOf(result, 'zlib')).toMatch(/^no common compression: /);
  });

  it('a bastion without one is not tried again, and the failure does not mention MaxStartups', async () => {
    const connections = { count: 0 };
    const host = await odd({ ...GOOD_OFFER, kex: 'sntrup761x25519-sha512@openssh.com' }, connections);
    const { prober } = await setupProber({ deadlines: { bastionMs: 2_000 } }, { host });
    const { bastion } = await prober.probe(batchOf([targetOf('n', await healthyNode())]));
    expect(bastion).toMatchObject({ ok: false, failure: { reason: 'protocol', phase: 'bastion' } });
    expect(bastion.ok ? '' : bastion.failure.detail).toMatch(
      /^no common key exchange: it offers sntrup761x25519-sha512@openssh\.com; bartizan uses .*; see docs\/ssh\.md$/,
    );
    expect(connections.count).toBe(1);
  });
});
