// Compares our reading of known_hosts with OpenSSH: `ssh-keygen -F` finds the same lines as we do, before and after a key
// is learned, and `ssh` accepts or refuses the same servers.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hash, LINES } from '../../test/openssh/known-hosts-lines.ts';
import { dir, node, useServers } from '../../test/openssh/servers.ts';
import { checkHostKey, fingerprintOf, parseHostKey } from './host-keys.ts';
import { parseKnownHosts } from './known-hosts.ts';
import { withLearnedKeys } from './known-hosts-change.ts';
import { type HostNames, namesOfHost, namesOfNode, writtenName } from './known-hosts-names.ts';

useServers();

/** Keys of no server: `ed`, `ec` and `rsa` are in known_hosts, `fresh` is learned. */
const keys = { ed: '', ec: '', rsa: '', fresh: '' };
beforeAll(() => {
  for (const [name, type] of [
    ['ed', 'ed25519'],
    ['ec', 'ecdsa'],
    ['rsa', 'rsa'],
    ['fresh', 'ed25519'],
  ] as const) {
    const file = join(dir, `host-${name}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
    keys[name] = readFileSync(`${file}.pub`, 'latin1').split(' ').slice(0, 2).join(' ');
  }
});

/** Names of keys stand in braces: `gate {ed}`. `{rsa:blob}` is the second half alone. */
const filled = (text: string) =>
  text.replace(/\{(ed|ec|rsa|fresh)(:blob)?\}/g, (_, name: keyof typeof keys, blob) =>
    blob ? (keys[name].split(' ')[1] ?? '') : keys[name],
  );

interface Question {
  text: string;
  name: string;
}

/**
 * What OpenSSH finds in each text under the name: `fingerprint`, or `REVOKED fingerprint`; certificate authorities left
 * out. All in one shell: to start a program from here costs more than the program.
 */
function theirs(questions: readonly Question[]): string[][] {
  questions.forEach(({ text }, i) => {
    writeFileSync(join(dir, `known_hosts-${i}`), text, 'latin1');
  });
  const script =
    'i=0; for name; do echo "== $i"; ssh-keygen -l -F "$name" -f known_hosts-$i; i=$((i + 1)); done';
  const names = questions.map(({ name }) => name);
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', ...names], { cwd: dir, encoding: 'latin1' });
  return stdout
    .split(/^== \d+\n/m)
    .slice(1)
    .map((answer) =>
      [...answer.matchAll(/^# Host .* found: line \d+ (CA|REVOKED)? ?\n.* (SHA256:\S+)/gm)]
        .filter(([, marker]) => marker !== 'CA')
        .map(([, marker = '', fingerprint]) => `${marker} ${fingerprint}`.trim())
        .sort(),
    );
}

function ours(text: string, names: HostNames): string[] {
  const { accepted, revoked } = parseKnownHosts(text).find(names);
  return [...accepted.map(fingerprintOf), ...revoked.map((key) => `REVOKED ${fingerprintOf(key)}`)].sort();
}

const lineOf = (text: string) => filled(text.replace(/\{hash:([^}]*)\}/g, (_, name: string) => hash(name)));

/** Other hosts in the lines: their keys stay as they are. */
const OTHERS = ['other', 'a', '10.0.0.1', 'gates', 'www.example.net', '[gate]:2223', '[other]:2222', 'g1t2'];

describe('a line of known_hosts means what it means to OpenSSH', () => {
  /** Each line, and the line after a key was learned for the name. */
  const rows = new Map<string, { before: string; after: string; found: string[]; foundAfter: string[] }>();
  beforeAll(() => {
    const key = parseHostKey(keys.fresh);
    const texts = LINES.map(([what, text, plain]) => {
      const before = lineOf(text);
      const after = withLearnedKeys(before, [{ names: { plain }, key, sharesPlainName: false }]);
      return { what, plain, before, after };
    });
    const before = theirs(texts.map((row) => ({ text: row.before, name: row.plain })));
    const after = theirs(texts.map((row) => ({ text: row.after, name: row.plain })));
    for (const [i, row] of texts.entries())
      rows.set(row.what, { ...row, found: before[i] as string[], foundAfter: after[i] as string[] });
  });
  const rowOf = (what: string) => rows.get(what) as NonNullable<ReturnType<typeof rows.get>>;

  it.each(LINES)('%s', (what, _text, plain, count) => {
    const { before, found } = rowOf(what);
    expect(found).toHaveLength(count);
    expect(ours(before, { plain })).toEqual(found);
  });

  it.each(LINES)('%s: a learned key is the only one, and others keep theirs', (what, _text, plain) => {
    const { before, after, found, foundAfter } = rowOf(what);
    const revoked = found.filter((line) => line.startsWith('REVOKED'));
    const expected = [fingerprintOf(parseHostKey(keys.fresh)), ...revoked].sort();
    expect(foundAfter).toEqual(expected);
    expect(ours(after, { plain })).toEqual(expected);
    for (const other of OTHERS.filter((candidate) => candidate !== plain))
      expect(ours(after, { plain: other }), other).toEqual(ours(before, { plain: other }));
  });

  it('and so do two thousand lines of anything, before and after', () => {
    const piece = fc.constantFrom('gate', 'GATE', 'g', '*', '?', '!', ',', '%b', '[', ']:2222', '|1|', '.');
    const hosts = fc.oneof(
      fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join('')),
      fc.constantFrom('gate', 'gate%b', '[gate]:2222', 'Gate').map((name) => hash(name)),
    );
    const blank = fc.constantFrom(' ', '\t', '  ', ' \t', '\r', '');
    const marker = fc.constantFrom('', '', '', '@revoked ', '@cert-authority ', '@x ');
    const key = fc.constantFrom('{ed}', '{ec}', '{rsa}', 'rsa-sha2-256 {rsa:blob}', 'ssh-rsa {ed:blob}', 'x');
    const line = fc.tuple(blank, marker, hosts, blank, key, blank).map((parts) => parts.join(''));
    const before = filled(fc.sample(line, { numRuns: 2_000, seed: 7 }).join('\n'));
    const learned = ['gate', '[gate%b]:2222'];
    const after = withLearnedKeys(
      before,
      learned.map((plain) => ({ names: { plain }, key: parseHostKey(keys.fresh), sharesPlainName: false })),
    );
    const names = ['gate', 'gate%b', '[gate]:2222', 'g', '[gate%b]:2222', 'gate.'];
    const [found, foundAfter] = [before, after].map((text) => theirs(names.map((name) => ({ text, name }))));
    for (const [i, plain] of names.entries()) {
      expect(found?.[i]?.length).toBeGreaterThan(10);
      expect(ours(before, { plain })).toEqual(found?.[i]);
      expect(ours(after, { plain })).toEqual(foundAfter?.[i]);
      const accepted = foundAfter?.[i]?.filter((line) => !line.startsWith('REVOKED'));
      if (learned.includes(plain)) expect(accepted).toEqual([fingerprintOf(parseHostKey(keys.fresh))]);
      else expect(foundAfter?.[i]).toEqual(found?.[i]);
    }
  });
});

describe('a node behind a bastion', () => {
  const names = namesOfNode({ host: '10.0.0.5', port: 22, bastion: 'seoul' });
  const plainly = namesOfHost({ host: '10.0.0.5', port: 22 });

  it.each([
    ['a line of the host', '10.0.0.5 {ed}'],
    ['a tab', '\t10.0.0.5\t{ed}'],
    ['a hash', '{hash:10.0.0.5} {ed}'],
    ['a pattern of the host', '10.0.0.* {ed}'],
    ['everybody', '* {ed}'],
    ['exact and everybody', '10.0.0.5 {ed}\n* {ed}'],
    ['a line of its own', '10.0.0.5%seoul {ed}'],
    ['a line of its own with a tab', '10.0.0.5%seoul\t{ed}'],
    ['a line of its own with blanks in front', '  10.0.0.5%seoul {ed}'],
    ['a hash of its own', '{hash:10.0.0.5%seoul} {ed}'],
    ['a pattern of the bastion', '*%seoul {ed}'],
    ['a list of it and the host', '10.0.0.5%seoul,10.0.0.5,10.0.0.6 {ed}'],
    ['all of these', '*%seoul,10.0.0.* {ed}\n{hash:10.0.0.5} {ed}\n10.0.0.5,a {ed}'],
  ])('has the learned key alone, for us and OpenSSH: %s', (_what, text) => {
    const before = lineOf(text);
    expect(new Set(ours(before, names))).toEqual(new Set([fingerprintOf(parseHostKey(keys.ed))]));
    const key = parseHostKey(keys.fresh);
    const after = withLearnedKeys(before, [{ names, key, sharesPlainName: false }]);
    expect(ours(after, names)).toEqual([fingerprintOf(key)]);
    // The address alone has no key any more; the next address still has its key.
    expect(ours(after, plainly)).toEqual([]);
    const found = theirs([
      { text: after, name: writtenName(names) },
      { text: after, name: names.plain },
      { text: after, name: '10.0.0.6' },
      { text: before, name: '10.0.0.6' },
    ]);
    expect(found).toEqual([[fingerprintOf(key)], [], found[3], found[3]]);
  });

  it.each(['10.0.0.5 {ed}', '{hash:10.0.0.5} {ed}', '10.0.0.* {ed}', '*,!10.0.0.5%tokyo {ed}'])(
    'keeps the keys of a node with the same address behind another bastion: %s',
    (text) => {
      const key = parseHostKey(keys.fresh);
      const before = lineOf(text);
      const after = withLearnedKeys(before, [{ names, key, sharesPlainName: true }]);
      expect(ours(after, names)).toEqual([fingerprintOf(key)]);
      const other = namesOfNode({ host: '10.0.0.5', port: 22, bastion: 'busan' });
      expect(ours(after, other)).toEqual(ours(before, other));
      const found = theirs([
        { text: after, name: writtenName(names) },
        { text: after, name: names.plain },
        { text: before, name: names.plain },
      ]);
      expect(found).toEqual([[fingerprintOf(key)], found[2], [fingerprintOf(parseHostKey(keys.ed))]]);
    },
  );
});

it.each([
  'fd00::7',
  'FD00:0::7',
  '0:0:0:0:0:0:0:1',
  '::ffff:10.0.0.1',
  '127.1',
  '10.0.0.010',
  'GATE.example',
  'dead.beef',
])('a host is looked up as ssh does: %s', (host) => {
  const asked = execFileSync('ssh', ['-G', '-F', 'none', '-p', '22', host], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(`hostname ${namesOfHost({ host, port: 22 }).plain}`).toBe(/^hostname .*$/m.exec(asked)?.[0]);
});

describe('a server is accepted or refused as by ssh', () => {
  const presented = () => node.hostKeys[0] as string;
  const other = () => keys.ec;
  const named = (name: string) => `[${name}]:${node.port}`;

  it.each<[string, () => string, 'pinned' | 'changed' | 'unknown' | 'revoked']>([
    ['nothing', () => '', 'unknown'],
    ['its key', () => `${named('127.0.0.2')} ${presented()}`, 'pinned'],
    ['another key', () => `${named('127.0.0.2')} ${keys.ed}`, 'changed'],
    ['a key of another type alone', () => `${named('127.0.0.2')} ${other()}`, 'changed'],
    [
      'several, its own among them',
      () => `${named('127.0.0.2')} ${other()}\n${named('127.0.0.2')} ${presented()}`,
      'pinned',
    ],
    ['its key without the port', () => `127.0.0.2 ${presented()}`, 'pinned'],
    ['another key without the port', () => `127.0.0.2 ${keys.ed}`, 'unknown'],
    [
      'its key without the port, another with it',
      () => `127.0.0.2 ${presented()}\n${named('127.0.0.2')} ${keys.ed}`,
      'changed',
    ],
    ['its key, revoked', () => `${named('*')} ${presented()}\n@revoked * ${presented()}`, 'revoked'],
    ['its key for all but it', () => `*,!127.0.0.2,!${named('127.0.0.2')} ${presented()}`, 'unknown'],
    ['its key for all but it at its port', () => `*,!${named('127.0.0.2')} ${presented()}`, 'pinned'],
    ['an authority', () => `@cert-authority * ${other()}`, 'unknown'],
  ])('%s', (_what, text, verdict) => {
    const file = join(dir, 'known_hosts_of_ssh');
    writeFileSync(file, `${text()}\n`);
    const pins = parseKnownHosts(readFileSync(file, 'latin1')).find(namesOfHost(node));
    expect(checkHostKey(pins, parseHostKey(presented()))).toBe(verdict);
    const output = askSsh(file);
    expect(/Permission denied/.test(output), output).toBe(verdict === 'pinned');
    expect(/Host key verification failed/.test(output), output).toBe(verdict !== 'pinned');
  });

  it('by its name behind a bastion, which ssh looks up as an alias', () => {
    const names = namesOfNode({ ...node, bastion: 'seoul' });
    const file = join(dir, 'known_hosts_of_ssh');
    const alias = ['-o', `HostKeyAlias=${writtenName(names)}`];
    writeFileSync(file, `${named('127.0.0.*')}\t${keys.ed}\n*%seoul,${named('127.0.0.2')} ${keys.ed}\n`);
    expect(askSsh(file, alias)).toContain('Host key verification failed');
    const key = parseHostKey(presented());
    const after = withLearnedKeys(readFileSync(file, 'latin1'), [{ names, key, sharesPlainName: false }]);
    writeFileSync(file, after);
    expect(askSsh(file, alias)).toContain('Permission denied');
  });

  /** ssh decides on the host key before the login, which then fails. */
  function askSsh(file: string, more: readonly string[] = []): string {
    return spawnSync(
      'ssh',
      [
        ...['-F', 'none', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', ...more],
        ...['-o', `UserKnownHostsFile=${file}`, '-o', 'GlobalKnownHostsFile=none', '-o', 'UpdateHostKeys=no'],
        ...['-o', 'PreferredAuthentications=none', '-p', String(node.port), `x@${node.host}`, 'true'],
      ],
      { encoding: 'utf8' },
    ).stderr;
  }
});
