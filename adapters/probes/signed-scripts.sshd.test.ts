// Rounds over nodes that verify signatures, nodes that compare hashes, and one that does neither.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BatchObservation } from '../../core/model/observation.ts';
import { mergeSignatures, signaturesText } from '../../core/signatures/signature-file.ts';
import type { Server } from '../../examples/openssh/fleet.ts';
import { dir, fleet, setupProber, startNode, target, useServers } from '../../test/openssh/servers.ts';
import { batchOf, detailOf, outcomes, readings } from '../../test/prober-fixture.ts';
import { findProgram } from '../../test/program-path.ts';
import { signatureFile } from '../signatures/signature-source.ts';
import { signScripts } from '../signatures/ssh-keygen.ts';
import { nodeKeyLine } from '../ssh/authorized-keys.ts';
import { parsePrivateKey } from '../ssh/private-keys.ts';
import { signedKeyLine } from '../ssh/signed-key-line.ts';
import { pkiScript } from './pki/pki.ts';
import { usageScript } from './usage/usage.ts';

useServers();

const DAY = 86_400;
const now = () => Math.floor(Date.now() / 1000);
const signer = () => join(dir, 'signer');
const file = () => join(dir, 'signatures.json');
const loginKey = () => ({ key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') });
const signedLine = (lowestVersion = 5) => {
  const signers = [readFileSync(`${signer()}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')];
  return `${signedKeyLine(loginKey(), { signers, lowestVersion })}\n`;
};
const hashLine = () => `${nodeKeyLine(loginKey(), [usageScript()])}\n`;

let signed: Server;
let hashed: Server;
let open: Server;

beforeAll(async () => {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', signer()]);
  [signed, hashed, open] = await Promise.all([
    startNode('signed', { authorizedKeys: signedLine() }),
    startNode('hashed', { authorizedKeys: hashLine() }),
    startNode('open'),
  ]);
});
beforeEach(() => write());

async function write({ version = 5, notAfter = now() + 10 * DAY, scripts = [usageScript()] } = {}) {
  const made = await signScripts(scripts, signer(), { version, notAfter });
  writeFileSync(file(), signaturesText(mergeSignatures(new Map(), made, 0)));
}
const prober = () => setupProber({}, { signatures: signatureFile(file()) });
const all = () => batchOf([target('signed', signed), target('hashed', hashed), target('open', open)]);
const runs = (audit: readonly { target?: string; command?: string; exitCode?: number }[]) =>
  audit.flatMap(({ target: node = '', command, exitCode }) =>
    command === undefined ? [] : [`${node.split('/')[1]} ${command} ${exitCode}`],
  );
const expiry = (result: BatchObservation, node: string) => readings(result, node).signature_expiry;

describe('a mixed fleet', () => {
  it('is probed in one round, and later the form that a node accepts comes first', async () => {
    const { prober: mine, audit } = await prober();
    const result = await mine.probe(all());
    expect(outcomes(result)).toEqual(['hashed: ok', 'open: ok', 'signed: ok']);
    expect([...new Set(runs(audit))].sort()).toEqual([
      'hashed usage@2 0',
      'hashed usage@2 126',
      'open usage@2 0',
      'signed usage@2 0',
    ]);
    audit.length = 0;
    await mine.probe(all());
    // A round that follows so soon may run a script twice, for rates.
    expect([...new Set(runs(audit))].sort()).toEqual([
      'hashed usage@2 0',
      'open usage@2 0',
      'signed usage@2 0',
    ]);
  });

  it('shows when the signature expires, where one is verified or ignored', async () => {
    const { prober: mine } = await prober();
    const result = await mine.probe({ ...all(), roundMs: now() * 1000 });
    expect(expiry(result, 'signed')).toBeGreaterThan(9.9 * DAY);
    expect(expiry(result, 'signed')).toBeLessThanOrEqual(10 * DAY);
    expect(expiry(result, 'hashed')).toBeUndefined();
  });

  it('moves to signatures and back, node by node, without a failed round', async () => {
    const keys = join(dir, 'moving', 'authorized_keys');
    const moving = await startNode('moving', { authorizedKeys: hashLine() });
    // A login reads the line anew; sessions that are open keep the old one.
    const round = async () => {
      const { prober: mine } = await prober();
      return outcomes(await mine.probe(batchOf([target('moving', moving)])));
    };
    for (const line of [hashLine(), signedLine(), hashLine(), signedLine()]) {
      writeFileSync(keys, line);
      expect(await round()).toEqual(['moving: ok']);
    }
  });

  it('a line that changes while the program lives is noticed', async () => {
    const { prober: mine } = await setupProber({}, { signatures: signatureFile(file()), keep: 'bastion' });
    const changing = await startNode('changing', { authorizedKeys: hashLine() });
    for (const line of [hashLine(), signedLine(), hashLine()]) {
      writeFileSync(join(dir, 'changing', 'authorized_keys'), line);
      expect(outcomes(await mine.probe(batchOf([target('changing', changing)])))).toEqual(['changing: ok']);
    }
  });
});

it('three new versions need no edit of a node, and no restart of the program', async () => {
  const { prober: mine, audit } = await prober();
  for (const version of [5, 6, 7, now()]) {
    await write({ version });
    expect(outcomes(await mine.probe(batchOf([target('signed', signed)])))).toEqual(['signed: ok']);
  }
  expect(runs(audit)).not.toContain('signed usage@2 126');
});

it('while the file cannot be read, the last signatures stay, and the log says why', async () => {
  const { prober: mine, log } = await prober();
  await mine.probe(batchOf([target('signed', signed)]));
  writeFileSync(file(), 'damaged');
  expect(outcomes(await mine.probe(batchOf([target('signed', signed)])))).toEqual(['signed: ok']);
  expect(JSON.stringify(log.lines)).toContain('the signatures of scripts cannot be read; the last ones stay');
});

describe('a node that verifies refuses, and the failure says why', () => {
  const failure = async (
    server = signed,
    checks: NonNullable<Parameters<typeof setupProber>[1]>['checks'] = [],
  ) => {
    const { prober: mine } = await setupProber({}, { signatures: signatureFile(file()), checks });
    const batch = batchOf([target('n', server)]);
    return detailOf(await mine.probe(checks.length > 0 ? { ...batch, checks: ['pki'] } : batch), 'n');
  };

  it('without the file', async () => {
    rmSync(file());
    expect(await failure()).toBe(
      'its authorized_keys line runs signed scripts alone, and usage@2 has no signature; sign them again: `bartizan catalogue sign`',
    );
  });

  it('a script that has no signature', async () => {
    expect(await failure(signed, [{ name: 'pki', probe: 'pki' }])).toBe(
      `its authorized_keys line runs signed scripts alone, and ${pkiScript().name} has no signature; sign them again: \`bartizan catalogue sign\``,
    );
  });

  it('an expired signature', async () => {
    await write({ notAfter: now() - 1 });
    expect(await failure()).toMatch(
      /^the signature of usage@2 was valid until 20\d\d-\S+ \S+Z; sign them again: `bartizan catalogue sign`$/,
    );
  });

  it('an old version', async () => {
    await write({ version: 4 });
    expect(await failure()).toBe(
      'the signature of usage@2 is too old: it has version 4, and its authorized_keys line accepts 5 and later; sign them again: `bartizan catalogue sign`',
    );
  });

  it('a key that the line does not name', async () => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'stranger')]);
    const options = { version: 5, notAfter: now() + DAY };
    const made = await signScripts([usageScript()], join(dir, 'stranger'), options);
    writeFileSync(file(), signaturesText(mergeSignatures(new Map(), made, 0)));
    expect(await failure()).toBe(
      'its authorized_keys line finds no valid signature of usage@2: the line does not name the key that signed it; print it again: `bartizan keys --signed`',
    );
  });

  it.each([
    ['no ssh-keygen', undefined, /there is no ssh-keygen on the node; .*keep the line that compares hashes/],
    ['an old OpenSSH', 'echo "unknown option -- Y" >&2; exit 1', /its ssh-keygen is older than OpenSSH 8\.1/],
    [
      'no /dev/fd',
      'echo "Couldn\'t read signature file: No such file" >&2; exit 255',
      /no pipes under \/dev\/fd/,
    ],
    [
      'a clock that is ahead',
      'ahead',
      /valid until .*, and the node's clock says 20\d\d-.*: set the clock of the node/,
    ],
  ])('%s', async (name, program, message) => {
    const bin = join(dir, `bin ${name}`.replaceAll(/[ /]/g, '-'));
    mkdirSync(bin);
    const add = (tool: string, text: string) => {
      writeFileSync(join(bin, tool), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, tool), 0o755);
    };
    for (const tool of ['head', 'sh']) symlinkSync(findProgram(tool) as string, join(bin, tool));
    if (program === 'ahead') {
      symlinkSync(findProgram('ssh-keygen') as string, join(bin, 'ssh-keygen'));
      add('date', `echo ${now() + 20 * DAY}`);
    } else {
      symlinkSync(findProgram('date') as string, join(bin, 'date'));
      if (program) add('ssh-keygen', program);
    }
    const server = await startNode(`node-${name}`.replaceAll(/[ /]/g, '-'), {
      authorizedKeys: signedLine(),
      config: [`SetEnv PATH=${bin} SHLVL=2`],
    });
    expect(await failure(server)).toMatch(message);
  });
});
