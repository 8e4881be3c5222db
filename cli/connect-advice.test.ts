import { describe, expect, it } from 'vitest';
import { firewallDenied } from '../adapters/ssh/failure.ts';
import type { Failure, FailureReason, ProbePhase } from '../core/model/observation.ts';
import { type Advice, bastionAdvice, nodeAdvice } from './connect-advice.ts';

const context = {
  name: 'p/n',
  host: '10.0.0.1',
  port: 22,
  user: 'probe',
  key: 'ssh-ed25519 SHA256:x',
  line: 'LINE',
};
const of = (reason: FailureReason, phase: ProbePhase, detail: string): Failure => ({ reason, phase, detail });
const KEY = of('auth', 'handshake', 'refused our key for user probe');

describe('advice for a key that was refused', () => {
  it('names a wrong user as a possible cause', () => {
    const expected = {
      detail: 'refused our key for user probe: ssh-ed25519 SHA256:x',
      advice:
        'is probe the right `user`? If it is, put this line into ~probe/.ssh/authorized_keys there, in place of any other of this key:\nLINE',
    };
    expect(nodeAdvice(KEY, context)).toEqual(expected);
    expect(bastionAdvice({ ...KEY, phase: 'bastion' }, context)).toEqual(expected);
  });

  it('knows the home of root, and the setting that refuses root', () => {
    expect(nodeAdvice(KEY, { ...context, user: 'root' }).advice).toBe(
      'is root the right `user`? If it is, put this line into /root/.ssh/authorized_keys there, in place of any other of this key, and PermitRootLogin must not be `no`:\nLINE',
    );
  });
});

describe('advice', () => {
  it.each<[Failure, RegExp, RegExp | undefined]>([
    [
      of('auth', 'handshake', 'accepted our key and wants a second factor (password)'),
      /AuthenticationMethods publickey/,
      /LINE|MaxStartups/,
    ],
    [
      of('auth', 'handshake', 'accepted our key and did not let user probe in: "expired"'),
      /account probe/,
      /LINE/,
    ],
    [
      of(
        'penalty',
        'handshake',
        'turned us away: "Not allowed at this time"; its sshd holds a penalty against our address (PerSourcePenalties)',
      ),
      /PerSourcePenaltyExemptList/,
      /MaxStartups/,
    ],
    [of('protocol', 'handshake', 'turned us away: "Exceeded MaxStartups"'), /raise MaxStartups/, undefined],
    [
      of('protocol', 'handshake', 'what answers there is not SSH but HTTP: "HTTP/1.1 400"'),
      /correct `host` and `port`/,
      /MaxStartups/,
    ],
    [
      of('timeout', 'handshake', 'says nothing, not even its SSH identification, within 5 s'),
      /something other than sshd/,
      /MaxStartups/,
    ],
    [
      of('output', 'handshake', 'sends without end where SSH should begin'),
      /something other than sshd/,
      /POSIX/,
    ],
    [
      of('protocol', 'handshake', 'Handshake failed: no matching key exchange algorithm'),
      /Its log/,
      /MaxStartups/,
    ],
    [
      of('protocol', 'handshake', 'ended the connection before SSH began, without a word'),
      /MaxStartups may be too low/,
      undefined,
    ],
    [
      of('command', 'exec', 'the script ended with code 1: "This service allows sftp connections only."'),
      /ForceCommand/,
      undefined,
    ],
    [
      of('command', 'exec', 'the node opens no session: MaxSessions 0 in its sshd_config?'),
      /raise MaxSessions/,
      /ForceCommand/,
    ],
    [
      of('protocol', 'handshake', 'no common key exchange: it offers x; bartizan uses y; see docs/ssh.md'),
      /`KexAlgorithms \+curve25519-sha256` to its sshd_config.*docs\/ssh\.md/,
      /does sshd answer/,
    ],
    [
      of('protocol', 'handshake', 'no common type of host key: it offers ssh-dss; bartizan uses y'),
      /ssh-keygen -A/,
      undefined,
    ],
    [
      of('protocol', 'handshake', 'no common cipher: it offers x; bartizan uses y'),
      /`Ciphers \+aes128-gcm/,
      undefined,
    ],
    [
      of('protocol', 'handshake', 'no common MAC: it offers x; bartizan uses y'),
      /`MACs \+hmac-sha2-256-etm/,
      undefined,
    ],
    [
      of('protocol', 'handshake', 'no common compression: it offers zlib; bartizan uses none'),
      /`Compression no`/,
      undefined,
    ],
    [
      of(
        'protocol',
        'handshake',
        'sends a packet that is longer than we read before a login (256 KB), or no SSH; its Banner may be as long as that',
      ),
      /shorten the Banner in its sshd_config to 240 KB/,
      /MaxStartups/,
    ],
    [of('protocol', 'handshake', 'speaks SSH 1 only: "SSH-1.5-x"'), /speaks SSH 2/, /Its log/],
    [
      of('forbidden', 'dial', 'the bastion forbids forwarding to 10.0.0.1:22: …'),
      /AllowTcpForwarding yes/,
      undefined,
    ],
    [firewallDenied('10.0.0.1:22').failure, /`bartizan keys --nft` again/, /AllowTcpForwarding/],
  ])('for %o', (failure, advice, never) => {
    const found: Advice[] = [nodeAdvice(failure, context)];
    if (failure.phase === 'handshake') found.push(bastionAdvice({ ...failure, phase: 'bastion' }, context));
    for (const one of found) {
      expect(one.advice).toMatch(advice);
      if (never) expect(one.advice).not.toMatch(never);
    }
  });

  it('mentions a firewall only when no connection was made', () => {
    const about = (detail: string) => bastionAdvice(of('timeout', 'bastion', detail), context).advice;
    expect(about('no connection to 10.0.0.1:22 within 5 s')).toMatch(/firewall/);
    expect(about('no SSH session within 5 s')).not.toMatch(/firewall/);
    expect(about('the name x does not resolve: no answer of a name server within 5 s')).toMatch(/DNS/);
  });
});
