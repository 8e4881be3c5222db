import { describe, expect, it } from 'vitest';
import type { Login } from './login.ts';
import { explainLogin, type LoginFacts } from './login-failure.ts';

const NO_ANSWER: Login = {
  keyAccepted: false,
  authenticating: false,
  methods: undefined,
  wantsMore: false,
  banner: '',
  disconnect: undefined,
};
const explain = (facts: Partial<Omit<LoginFacts, 'login'>> & { login?: Partial<Login> }) => {
  const { login, ...rest } = facts;
  const all = { user: 'probe', identified: true, opening: '', login: { ...NO_ANSWER, ...login }, ...rest };
  const { reason, detail, turnedAway = '' } = explainLogin(all);
  return [reason, turnedAway, detail];
};
const error = (message: string, more: object = {}) => Object.assign(new Error(message), more);
const REFUSED = error('All configured authentication methods failed', { level: 'client-authentication' });

describe('text in place of an identification', () => {
  it.each([
    ['Exceeded MaxStartups\r\n', 'startups', 'turned us away: "Exceeded MaxStartups"'],
    ['', 'unexplained', 'ended the connection before SSH began, without a word'],
    [
      'HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n',
      '',
      'what answers there is not SSH but HTTP: "HTTP/1.1 400 Bad Request"',
    ],
    ['\x15\x03\x01\x00\x02\x02\x46', '', 'what answers there is not SSH but TLS'],
    [
      '220 mx.example ESMTP Postfix\r\n',
      '',
      'what answers there is not SSH but SMTP: "220 mx.example ESMTP Postfix"',
    ],
    ['\r\n\x1b[31mGo away\u202e!\r\n', '', 'what answers there is not SSH: "[31mGo away!"'],
    ['\0\0\x01', '', 'what answers there is not SSH'],
  ])('%j', (opening, turnedAway, detail) => {
    expect(explain({ identified: false, opening })).toEqual(['protocol', turnedAway, detail]);
  });

  it('is a penalty where sshd says so', () => {
    expect(explain({ identified: false, opening: 'Not allowed at this time\r\n' })).toEqual([
      'penalty',
      '',
      'turned us away: "Not allowed at this time"; its sshd holds a penalty against our address (PerSourcePenalties)',
    ]);
  });

  it('is cut to the length of a message', () => {
    expect(explain({ identified: false, opening: 'x'.repeat(5_000) })[2]?.length).toBeLessThan(170);
  });
});

describe('messages during a login', () => {
  it.each<[string, Parameters<typeof explain>[0], string[]]>([
    [
      'refused',
      { error: REFUSED, login: { methods: ['publickey', 'password'] } },
      ['auth', '', 'refused our key for user probe'],
    ],
    [
      'refused, with a banner',
      { error: REFUSED, login: { methods: ['publickey'], banner: '\nUse the new host!\nBye\n' } },
      ['auth', '', 'refused our key for user probe; its banner: "Use the new host!"'],
    ],
    [
      'no keys at all',
      { error: REFUSED, login: { methods: ['password', 'keyboard-interactive'] } },
      ['auth', '', 'takes no key from user probe, but password or keyboard-interactive'],
    ],
    [
      'a second factor',
      { login: { wantsMore: true, methods: ['keyboard-interactive'], keyAccepted: true } },
      ['auth', '', 'accepted our key and wants a second factor (keyboard-interactive)'],
    ],
    [
      'an expired account',
      { login: { authenticating: true, keyAccepted: true, banner: 'Your account has expired\n' } },
      ['auth', '', 'accepted our key and did not let user probe in: "Your account has expired"'],
    ],
    [
      'an account that PAM refuses without a message',
      { login: { authenticating: true, keyAccepted: true } },
      [
        'auth',
        '',
        'accepted our key and did not let user probe in: the account may be expired, locked, or kept out by PAM',
      ],
    ],
    [
      'too many failures',
      {
        error: error('Too many authentication failures', { code: 2 }),
        login: { authenticating: true, disconnect: { code: 2, text: 'Too many authentication failures' } },
      },
      [
        'auth',
        '',
        'did not let user probe in: "Too many authentication failures" (SSH_MSG_DISCONNECT, code 2)',
      ],
    ],
    [
      'too many connections',
      { login: { disconnect: { code: 12, text: '' } } },
      ['protocol', 'startups', 'turned us away: no reason given (SSH_MSG_DISCONNECT, code 12)'],
    ],
    [
      'a good-bye that is no refusal',
      { login: { authenticating: true, disconnect: { code: 11, text: 'going down\nnow' } } },
      ['protocol', '', 'ended the SSH session: "going down" (SSH_MSG_DISCONNECT, code 11)'],
    ],
    [
      'an end before the host key',
      {},
      ['protocol', 'unexplained', 'ended the connection without a word, before it showed a host key'],
    ],
    [
      'an end while logging in',
      { login: { authenticating: true } },
      ['protocol', '', 'ended the connection without a word, while we logged in'],
    ],
    [
      'a packet that ssh2 does not read',
      { error: error('Bad packet length'), login: { authenticating: true } },
      [
        'protocol',
        '',
        'sends a packet that is longer than we read before a login (256 KB), or no SSH; its Banner may be as long as that',
      ],
    ],
    [
      'SSH 1',
      { error: error('Invalid identification string'), identification: 'SSH-1.5-OpenSSH_3.4' },
      ['protocol', '', 'speaks SSH 1 only: "SSH-1.5-OpenSSH_3.4"'],
    ],
    [
      'an identification of no version',
      { error: error('Invalid identification string'), identification: 'SSH-1.99-' },
      ['protocol', '', 'shows no identification of SSH 2: "SSH-1.99-"'],
    ],
    [
      'no common algorithm is not MaxStartups',
      { error: error('Handshake failed: no matching key exchange algorithm', { level: 'handshake' }) },
      ['protocol', '', 'Handshake failed: no matching key exchange algorithm'],
    ],
  ])('%s', (_, facts, expected) => {
    expect(explain(facts)).toEqual(expected);
  });
});
