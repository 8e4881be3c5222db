import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { scriptsWithoutOptions } from '../../test/probe-scripts.ts';
import { PROBES } from '../probes/registry.ts';
import { bastionKeyLine, firewalledKeyLine, MAX_SCRIPT_BYTES, nodeKeyLine } from './authorized-keys.ts';
import { parsePrivateKey } from './private-keys.ts';

const key = { key: parsePrivateKey(newKey(), 'key') };

/** Runs the forced command of the line with `stdin`, as sshd does, for a catalogue of one script. */
function verify(catalogue: string, stdin: string) {
  const sha256 = createHash('sha256').update(catalogue).digest('hex');
  const line = nodeKeyLine(key, [{ name: 'test@1', sha256 }]);
  const command = /command="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? '';
  const { status, stdout } = spawnSync('sh', ['-c', command], { input: stdin, encoding: 'utf8' });
  return { status, stdout };
}

/** A script of exactly this many bytes. */
const scriptOf = (bytes: number) => 'echo ran\n#'.padEnd(bytes - 1, 'x').concat('\n');

describe('the line of a node', () => {
  it('runs the script, whatever line ends it has', () => {
    for (const script of ['echo ran', 'echo ran\n', 'echo ran\n\n\n'])
      expect(verify(script, script)).toEqual({ status: 0, stdout: 'ran\n' });
  });

  it('refuses another script, an empty one, and one that only begins like it', () => {
    for (const stdin of ['echo other\n', '', 'echo ran\necho more\n'])
      expect(verify('echo ran\n', stdin)).toEqual({ status: 126, stdout: '' });
  });

  it('runs the longest script, and reads no more than that', () => {
    const longest = scriptOf(MAX_SCRIPT_BYTES);
    expect(verify(longest, longest)).toEqual({ status: 0, stdout: 'ran\n' });
    // It does not run the truncated script either.
    const longer = scriptOf(MAX_SCRIPT_BYTES + 1);
    expect(verify(longer, longer)).toEqual({ status: 126, stdout: '' });
    expect(verify(longest, `${longest}echo more\n`).stdout).toBe('ran\n');
  });

  it('is long enough for every script of the catalogue', () => {
    for (const { text } of PROBES.flatMap(scriptsWithoutOptions)) {
      expect(Buffer.byteLength(text)).toBeLessThan(MAX_SCRIPT_BYTES);
    }
  });
});

describe('the line of a bastion', () => {
  const nodes = Array.from({ length: 4_097 }, (_, i) => ({ host: `10.1.${i >> 8}.${i & 255}`, port: 22 }));

  it('says why there is no line where sshd would refuse it', () => {
    expect(bastionKeyLine(key, nodes)).toEqual({
      none: expect.stringMatching(
        /^4097 ports of nodes .* more than 4096; `bartizan keys --nft` confines the user/,
      ),
    });
    const line = bastionKeyLine(key, [...nodes.slice(1), ...nodes.slice(1)]);
    expect('text' in line && line.text.match(/permitopen/g)).toHaveLength(4_096);
  });

  it('behind a firewall permits the ports of nodes, however many there are', () => {
    const line = firewalledKeyLine(key, [...nodes, { host: '10.2.0.1', port: 2222 }]);
    expect('text' in line && line.text.match(/permitopen="[^"]+"/g)).toEqual([
      'permitopen="*:22"',
      'permitopen="*:2222"',
    ]);
    expect(firewalledKeyLine(key, [])).toHaveProperty('none');
  });
});
