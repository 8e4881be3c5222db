import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { connectToBastion, createSharedLookup } from './bastion-socket.ts';
import type { ProbeError } from './failure.ts';
import { parsePrivateKey } from './private-keys.ts';
import { openSession } from './session.ts';

const failing =
  (code: string): LookupFunction =>
  (hostname, _, callback) =>
    callback(Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, hostname }), '', 4);

async function failureOf(lookup: LookupFunction, host = 'gate.example') {
  const session = openSession({
    ...connectToBastion({ host, port: 22 }, lookup),
    user: 'probe',
    key: { key: parsePrivateKey(newKey(), 'key') },
    pinned: { accepted: [], revoked: [] },
    phase: 'bastion',
    deadlineMs: 100,
  });
  return ((await session.catch((error) => error)) as ProbeError).failure;
}

describe('a failed connection to a bastion has a reason', () => {
  it.each([
    ['ENOTFOUND', 'unreachable', 'the name gate.example does not resolve: there is no such name (ENOTFOUND)'],
    ['EAI_AGAIN', 'unreachable', 'the name gate.example does not resolve: the name server fails (EAI_AGAIN)'],
    ['EMFILE', 'unreachable', 'too many open files in this process: raise its limit (ulimit -n)'],
    ['EAI_FAIL', 'unreachable', 'getaddrinfo EAI_FAIL gate.example'],
  ])('%s', async (code, reason, detail) => {
    expect(await failureOf(failing(code))).toEqual({ reason, phase: 'bastion', detail });
  });

  it('a name server that never answers', async () => {
    expect(await failureOf(() => {})).toEqual({
      reason: 'timeout',
      phase: 'bastion',
      detail: 'the name gate.example does not resolve: no answer of a name server within 0.1 s',
    });
  });
});

describe('lookups of one name', () => {
  it('are shared by all who ask at the same time', async () => {
    const asked: string[] = [];
    const { promise, resolve: answer } = Promise.withResolvers<void>();
    const lookup = createSharedLookup((name, _, callback) => {
      asked.push(name);
      void promise.then(() => callback(null, '192.0.2.7', 4));
    });
    const ask = (name: string) =>
      new Promise((resolve) => lookup(name, { all: false }, (_, address) => resolve(address)));
    const answers = Promise.all([ask('a.example'), ask('a.example'), ask('b.example')]);
    answer();
    expect(await answers).toEqual(['192.0.2.7', '192.0.2.7', '192.0.2.7']);
    await ask('a.example');
    expect(asked).toEqual(['a.example', 'b.example', 'a.example']);
  });
});
