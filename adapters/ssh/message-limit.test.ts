import type { Client } from 'ssh2';
import { expect, it } from 'vitest';
import { string, uint32 } from '../../test/kexinit.ts';
import { KEY_EXCHANGES_OF_TRANSFERS, limitMessages } from './message-limit.ts';

/** A client that records what it handles, and which floods are reported. */
function setup(keyExchangesAMinute?: number) {
  let nowMs = 0;
  const handled: number[] = [];
  const floods: string[] = [];
  const protocol = { _onPayload: (payload: Buffer) => void handled.push(payload[0] as number) };
  const client = { _protocol: protocol } as unknown as Client;
  const limit = limitMessages(client, (what) => floods.push(what), {
    nowMs: () => nowMs,
    keyExchangesAMinute,
  });
  const send = (type: number, count = 1, rest = '') => {
    const payload = Buffer.concat([Buffer.from([type]), string(rest), Buffer.from([0])]);
    for (let i = 0; i < count; i++) protocol._onPayload(payload);
  };
  return { protocol, limit, send, handled, floods, advance: (ms: number) => (nowMs += ms) };
}

it.each([
  [2, 600, 'floods us with unrequested messages'],
  [80, 600, 'floods us with unrequested messages'],
  [20, 10, 'floods us with new key exchanges'],
])('messages of type %i: %i a minute', (type, most, what) => {
  const { send, handled, floods, limit, advance } = setup();
  for (let minute = 0; minute < 3; minute++) {
    send(type, most);
    advance(60_001);
  }
  expect([handled.length, floods, limit.flood()]).toEqual([3 * most, [], undefined]);
  send(type, most + 5);
  send(94, 5);
  // After that it handles nothing, and reports nothing more.
  expect([handled.length, floods, limit.flood()]).toEqual([4 * most, [what], what]);
});

it('a session for transfers may renew its keys more often', () => {
  const { send, floods } = setup(KEY_EXCHANGES_OF_TRANSFERS);
  send(20, KEY_EXCHANGES_OF_TRANSFERS);
  expect(floods).toEqual([]);
  send(20);
  expect(floods).toEqual(['floods us with new key exchanges']);
});

it('output is limited by the allowed messages only', () => {
  const { send, handled, floods, limit } = setup();
  send(94, 10_000);
  limit.allow(100);
  send(94, 100);
  limit.allow(100);
  send(94, 100);
  expect([handled.length, floods]).toEqual([10_200, []]);
  send(94);
  expect([handled.length, floods]).toEqual([10_200, ['floods us with endless messages']]);
});

it('a server gets at most three signatures per session', () => {
  const { send, floods, advance } = setup();
  send(60, 3);
  advance(3_600_000);
  expect(floods).toEqual([]);
  send(60);
  expect(floods).toEqual(['floods us with requests for signatures']);
});

it('announced host keys are not read; a keep-alive is, which needs an answer', () => {
  const { send, handled } = setup();
  send(80, 1, 'hostkeys-00@openssh.com');
  expect(handled).toEqual([]);
  send(80, 1, 'keepalive@openssh.com');
  expect(handled).toEqual([80]);
});

it.each([
  [0, ['accepts packets of at most 0 bytes']],
  [1_023, ['accepts packets of at most 1023 bytes']],
  [1_024, []],
  [4_294_967_295, []],
])('a channel that accepts packets of %i bytes', (bytes, expected) => {
  const { protocol, floods } = setup();
  protocol._onPayload(Buffer.concat([Buffer.from([91]), ...[0, 0, 2_000_000, bytes].map(uint32)]));
  expect(floods).toEqual(expected);
});
