import type { Client } from 'ssh2';

/** The field of ssh2 1.17 that we use: it handles a decrypted packet. */
interface Internals {
  _protocol: { _onPayload: (payload: Buffer) => unknown };
}

/** RFC 4250, 4.1.2 */
const MESSAGE = {
  ignore: 2,
  unimplemented: 3,
  debug: 4,
  extensions: 7,
  keyExchange: 20,
  banner: 53,
  keyAccepted: 60,
  globalRequest: 80,
  channelOpen: 90,
  channelConfirmation: 91,
  channelRequest: 98,
} as const;

/** Messages that a server may send unasked. sshd sends a keep-alive now and then, and an exit code. */
const UNASKED: readonly number[] = [
  MESSAGE.ignore,
  MESSAGE.unimplemented,
  MESSAGE.debug,
  MESSAGE.extensions,
  MESSAGE.banner,
  MESSAGE.globalRequest,
  MESSAGE.channelOpen,
  MESSAGE.channelRequest,
];
/** Far above what many concurrent commands on a bastion cause. */
const UNASKED_A_MINUTE = 600;
/** sshd starts one per hour or gigabyte (RekeyLimit); each costs us up to 16 ms. */
const KEY_EXCHANGES_A_MINUTE = 10;
/** For a session through which a user moves what they like: a gigabyte takes seconds there. */
export const KEY_EXCHANGES_OF_TRANSFERS = 120;
/** ssh2 signs whenever the server says that it would accept our key: once for each algorithm of an RSA key. */
const SIGNATURES = 3;

/**
 * The other side of a channel announces its largest packet. ssh2 cuts what it sends into packets of that size in one loop,
 * which never ends for a size of 0. Servers accept 32 KB.
 */
const LEAST_PACKET_BYTES = 1_024;
/** RFC 4254, 5.1: type, two numbers of the channel, window. */
const PACKET_BYTES_AT = 13;

const MINUTE_MS = 60_000;
/** This return value makes ssh2 stop reading the chunk. */
const STOP = Number.POSITIVE_INFINITY;

export interface MessageLimit {
  /** The server may send this many messages from now on, asked for or not. Default: any number. */
  allow(messages: number): void;
  /** What the server sent too often, for people; undefined: nothing. */
  flood(): string | undefined;
}

/**
 * Limits the number of messages of a session: even a small one costs CPU, and ssh2 answers most. Call it after
 * `client.connect`. Reads nothing more after `onFlood`. Drops announcements of host keys unread: ssh2 would parse them with
 * a regular expression that backtracks, and make sshd sign with each of its keys.
 */
export function limitMessages(
  client: Client,
  onFlood: (what: string) => void,
  {
    keyExchangesAMinute = KEY_EXCHANGES_A_MINUTE,
    nowMs = () => performance.now(),
  }: { keyExchangesAMinute?: number | undefined; nowMs?: () => number } = {},
): MessageLimit {
  const protocol = (client as unknown as Internals)._protocol;
  const handle = protocol._onPayload;
  let left = Number.POSITIVE_INFINITY;
  let signatures = 0;
  let minuteBeganMs = nowMs();
  let unasked = 0;
  let keyExchanges = 0;
  let flood: string | undefined;

  function tooMuch(payload: Buffer): string | undefined {
    const type = payload[0];
    if (--left < 0) return 'floods us with endless messages';
    if (type === MESSAGE.keyAccepted && ++signatures > SIGNATURES)
      return 'floods us with requests for signatures';
    if (type === MESSAGE.channelConfirmation && payload.length >= PACKET_BYTES_AT + 4) {
      const bytes = payload.readUInt32BE(PACKET_BYTES_AT);
      if (bytes < LEAST_PACKET_BYTES) return `accepts packets of at most ${bytes} bytes`;
    }
    if (type !== MESSAGE.keyExchange && !UNASKED.includes(type as number)) return undefined;
    if (nowMs() - minuteBeganMs > MINUTE_MS) {
      minuteBeganMs = nowMs();
      unasked = 0;
      keyExchanges = 0;
    }
    if (type === MESSAGE.keyExchange)
      return ++keyExchanges > keyExchangesAMinute ? 'floods us with new key exchanges' : undefined;
    return ++unasked > UNASKED_A_MINUTE ? 'floods us with unrequested messages' : undefined;
  }

  protocol._onPayload = (payload) => {
    if (flood !== undefined) return STOP;
    flood = tooMuch(payload);
    if (flood === undefined) return isHostKeys(payload) ? undefined : handle(payload);
    onFlood(flood);
    return STOP;
  };
  return {
    allow: (messages) => {
      left = messages;
    },
    flood: () => flood,
  };
}

/** hostkeys-00@openssh.com, which wants no answer (PROTOCOL of OpenSSH, 2.5). */
function isHostKeys(payload: Buffer): boolean {
  return payload[0] === MESSAGE.globalRequest && payload.toString('latin1', 5, 14) === 'hostkeys-';
}
