import { expect, it } from 'vitest';
import { explainSignatureRefusal, refusalOf } from '../adapters/ssh/script-refusal.ts';
import { nodeAdvice } from './connect-advice.ts';

const SENT = { name: 'usage@2', sha256: '', version: 5, notAfter: 1_796_000_000, signature: '' };
const AT = 1_796_100_000;
const BEGIN = 'bartizan refuses the script: ';

it.each([
  ['another exit code', 1, '', undefined],
  ['no exit code', undefined, '', undefined],
  ['silence', 126, '', 'hash'],
  ['a reason', 126, `${BEGIN}version 4 is below 5`, 'signature'],
  ['what a shell says of a file that it must not execute', 126, 'sh: permission denied', undefined],
])('%s', (_, code, complaint, refusal) => expect(refusalOf(code, complaint)).toBe(refusal));

it.each<[complaint: string, sent: boolean, nowSecond: number, detail: RegExp, advice: RegExp | undefined]>([
  [
    'signature: ',
    false,
    AT,
    /^its authorized_keys line runs signed scripts alone, and usage@2 has no/,
    /sign the scripts/,
  ],
  ['version 4 is below 5', true, AT, /too old: it has version 4, .* accepts 5 and later/, /sign the scripts/],
  [
    'valid until 1796000000, clock 1796100010',
    true,
    AT,
    /^the signature .* until 2026-11-30 00:53:20Z; sign/,
    /sign the/,
  ],
  [
    'valid until 1796000000, clock 1799000000',
    true,
    1_795_000_000,
    /clock says 2027.*: set the clock/,
    /time service/,
  ],
  [
    'valid until 1796000000, clock 1799000000',
    true,
    AT,
    /clock says 2027.*, ours 2026.*: sign/,
    /sign the scripts/,
  ],
  [
    'valid until 99999999999999, clock 1',
    true,
    AT,
    /^its authorized_keys line finds no valid signature/,
    /sign the/,
  ],
  ['signature: sh: 1: ssh-keygen: not found', true, AT, /no ssh-keygen on the node/, undefined],
  ['signature: unknown option -- Y', true, AT, /older than OpenSSH 8\.1/, undefined],
  [
    'signature: Could not verify signature.',
    true,
    AT,
    /does not name the key that signed it/,
    /print the line/,
  ],
  [
    "signature: Couldn't verify signature: namespace does not match",
    true,
    AT,
    /for another purpose/,
    /sign the/,
  ],
  [
    'signature: Signature verification failed: incorrect signature',
    true,
    AT,
    /not what was signed/,
    /sign the/,
  ],
])('explains: %s', (why, sent, nowSecond, detail, advice) => {
  const signature = { sent: sent ? SENT : undefined, nowMs: nowSecond * 1000 };
  const explained = explainSignatureRefusal(`${BEGIN}${why}`, 'usage@2', signature);
  expect(explained).toMatch(detail);
  const context = { name: 'n', host: 'h', port: 22, user: 'probe', key: 'k', line: 'LINE' };
  const given = nodeAdvice({ reason: 'command', phase: 'exec', detail: explained }, context);
  if (advice) expect(given.advice).toMatch(advice);
  else expect(given).toEqual({ detail: `lets us in, but ${explained}` });
});
