// Why a server did not let us log in, from what it sent. Pure; the texts are tested as a table.
import type { FailureReason } from '../../core/model/observation.ts';
import { explainSocketError } from './bastion-socket.ts';
import { quote, type TurnedAway } from './failure.ts';
import type { Login } from './login.ts';

export interface LoginFacts {
  user: string;
  /** Its SSH identification has arrived. */
  identified: boolean;
  /** What it sent before the identification, or in place of it. */
  opening: string;
  /** The beginning of the identification, once it has arrived. */
  identification?: string;
  /** Absent before the session began. */
  login: Login | undefined;
  /** Absent where the connection ended without an error. */
  error?: (Error & { level?: string; code?: unknown }) | undefined;
}

export interface LoginFailure {
  reason: FailureReason;
  detail: string;
  turnedAway?: TurnedAway;
}

/** Sent by OpenSSH 9.8 and later instead of an identification. */
const PENALTY = /^Not allowed at this time/m;
/** Sent by OpenSSH 7.9 and later instead of an identification. */
const STARTUPS = /^Exceeded MaxStartups/m;

/** A server that speaks both protocols sends 1.99 (RFC 4253, 5.1). */
const SSH_1 = /^SSH-1\.(?!99-)/;

/** SSH_MSG_DISCONNECT, RFC 4253, 11.1 */
const PROTOCOL_ERROR = 2;
const TOO_MANY_CONNECTIONS = 12;
const REFUSALS: readonly number[] = [1, 14, 15]; // host not allowed, no more methods, illegal user name
const REFUSED = /authentication|access|denied|account|password|not allowed|permitted/i;

/** First bytes of services that are not SSH, and their names. */
const OTHER_SERVICES: readonly (readonly [RegExp, string])[] = [
  [/^(HTTP\/\d|<(!doctype|html))/i, 'HTTP'],
  [/^220[ -].*(smtp|mail|postfix|exim)/i, 'SMTP'],
  [/^220[ -]/, 'FTP or SMTP'],
  [/^RFB \d/, 'VNC'],
  [/^\* OK/, 'IMAP'],
  [/^(\+OK|-ERR)/, 'POP3 or Redis'],
];

/** Which service answers instead of SSH, with its first line; empty where it sent nothing. */
export function explainOpening(opening: string): string {
  if (opening === '') return '';
  const other = isTls(opening) ? 'TLS' : OTHER_SERVICES.find(([pattern]) => pattern.test(opening))?.[1];
  const quoted = other === 'TLS' ? '' : quote(opening);
  const what = `what answers there is not SSH${other ? ` but ${other}` : ''}`;
  return quoted === '' ? what : `${what}: ${quoted}`;
}

/** A record of RFC 8446, 5.1: an alert or a handshake, of version 3.x. */
function isTls(opening: string): boolean {
  const [type = 0, version] = [opening.charCodeAt(0), opening.charCodeAt(1)];
  return (type === 21 || type === 22) && version === 3;
}

/** Explains why an error or the end of the connection cut a login short. */
export function explainLogin(facts: LoginFacts): LoginFailure {
  const { error, login } = facts;
  if (!facts.identified) return explainBeforeSsh(facts);
  if (login?.wantsMore) {
    const methods = login.methods?.join(' or ') || 'unknown';
    return { reason: 'auth', detail: `accepted our key and wants a second factor (${methods})` };
  }
  if (login?.disconnect) return explainDisconnect(login.disconnect, facts);
  if (error?.level === 'client-authentication') return explainRefusal(facts);
  if (error?.level === 'agent') {
    return { reason: 'auth', detail: `the ssh-agent did not sign: ${error.message}` };
  }
  if (error !== undefined && error.level !== 'client-socket') return explainError(error, facts);
  if (login?.keyAccepted) return explainAccount(facts);
  const how = error ? explainSocketError(error) : 'ended the connection without a word';
  return {
    reason: 'protocol',
    detail: login?.authenticating ? `${how}, while we logged in` : `${how}, before it showed a host key`,
    ...(!login?.authenticating && { turnedAway: 'unexplained' as const }),
  };
}

function explainBeforeSsh({ opening, error }: LoginFacts): LoginFailure {
  const quoted = quote(opening);
  if (PENALTY.test(opening)) {
    const why = 'its sshd holds a penalty against our address (PerSourcePenalties)';
    return { reason: 'penalty', detail: `turned us away: ${quoted}; ${why}` };
  }
  if (STARTUPS.test(opening)) {
    return { reason: 'protocol', detail: `turned us away: ${quoted}`, turnedAway: 'startups' };
  }
  if (opening !== '') return { reason: 'protocol', detail: explainOpening(opening) };
  if (error?.level === 'client-socket') {
    const lost = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    const detail = explainSocketError(error);
    return lost
      ? { reason: 'protocol', detail, turnedAway: 'unexplained' }
      : { reason: 'unreachable', detail };
  }
  const detail = 'ended the connection before SSH began, without a word';
  return { reason: 'protocol', detail, turnedAway: 'unexplained' };
}

function explainDisconnect({ code, text }: { code: number; text: string }, facts: LoginFacts): LoginFailure {
  const { user, login } = facts;
  const quoted = quote(text);
  const reason = `${quoted || 'no reason given'} (SSH_MSG_DISCONNECT, code ${code})`;
  if (code === TOO_MANY_CONNECTIONS) {
    return { reason: 'protocol', detail: `turned us away: ${reason}`, turnedAway: 'startups' };
  }
  if (login?.keyAccepted && quoted === '') return explainAccount(facts);
  const refused = REFUSALS.includes(code) || (code === PROTOCOL_ERROR && REFUSED.test(text));
  if (!login?.authenticating || !(refused || login.keyAccepted)) {
    return { reason: 'protocol', detail: `ended the SSH session: ${reason}` };
  }
  return { reason: 'auth', detail: `did not let user ${user} in: ${reason}` };
}

function explainRefusal({ user, login }: LoginFacts): LoginFailure {
  const { methods = [], banner = '', keyAccepted = false } = login ?? {};
  const quoted = quote(banner);
  if (keyAccepted) return explainAccount({ user, login });
  const withBanner = quoted === '' ? '' : `; its banner: ${quoted}`;
  if (methods.length > 0 && !methods.includes('publickey')) {
    return {
      reason: 'auth',
      detail: `takes no key from user ${user}, but ${methods.join(' or ')}${withBanner}`,
    };
  }
  return { reason: 'auth', detail: `refused our key for user ${user}${withBanner}` };
}

/** PAM, nologin and expired accounts refuse after the key was accepted, perhaps with a banner; then sshd closes the connection. */
function explainAccount({ user, login }: Pick<LoginFacts, 'user' | 'login'>): LoginFailure {
  const quoted = quote(login?.banner ?? '');
  const why = quoted === '' ? 'the account may be expired, locked, or kept out by PAM' : quoted;
  return { reason: 'auth', detail: `accepted our key and did not let user ${user} in: ${why}` };
}

function explainError(error: Error, { login, identification = '' }: LoginFacts): LoginFailure {
  if (error.message === 'Invalid identification string') {
    const what = SSH_1.test(identification) ? 'speaks SSH 1 only' : 'shows no identification of SSH 2';
    return { reason: 'protocol', detail: `${what}: ${quote(identification)}` };
  }
  if (login?.authenticating && /^Bad packet length/.test(error.message)) {
    const detail =
      'sends a packet that is longer than we read before a login (256 KB), or no SSH; its Banner may be as long as that';
    return { reason: 'protocol', detail };
  }
  return { reason: 'protocol', detail: error.message };
}
