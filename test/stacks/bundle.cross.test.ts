// Bundles functions for another processor than the one of this machine.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../core/errors.ts';
import { bundleFunction } from '../../lib/bundle.ts';

const architecture = process.arch === 'arm64' ? 'x86_64' : 'arm64';
const machine = { architecture, ciphers: 'native' } as const;
/** Field e_machine of an ELF file (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html). */
const ELF_MACHINES = { x86_64: 62, arm64: 183 };
const CACHE = 'node_modules/.cache/bartizan-functions';

let outDir: string;
beforeEach(() => {
  rmSync(CACHE, { recursive: true, force: true });
  outDir = mkdtempSync(join(tmpdir(), 'bartizan-cross-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(outDir, { recursive: true, force: true });
});

describe('bundling a function for another processor', () => {
  it('fails where no compiler for that processor is installed', () => {
    vi.stubEnv('PATH', '/nonexistent');
    const bundle = () => bundleFunction({ entry: 'adapters/ssh/session.ts', outDir, machine });
    expect(bundle).toThrow(ConfigError);
    expect(bundle).toThrow(
      /native binding cannot be built for it here \(.* is not installed\); install g\+\+-/,
    );
    expect(bundle).toThrow(/or write `-c ciphers=javascript`, at about twice the CPU of probe/);
  });

  it('copies the binaries of that processor, and none of this machine', () => {
    bundleFunction({ entry: 'test/stacks/handler.ts', outDir, machine });
    const machines = readdirSync(outDir, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.node'))
      .map((file) => readFileSync(join(outDir, file)).readUInt16LE(18));
    expect(machines).toEqual([ELF_MACHINES[architecture], ELF_MACHINES[architecture]]);
  });

  it('refuses an npm package whose hash package-lock.json does not have', () => {
    const npm = join(outDir, 'npm');
    writeFileSync(npm, `#!/bin/sh\necho '[{"filename":"x.tgz","integrity":"sha512-other"}]'\n`, {
      mode: 0o755,
    });
    vi.stubEnv('PATH', `${outDir}:${process.env.PATH}`);
    const bundle = () =>
      bundleFunction({
        entry: 'adapters/charts/renderer.ts',
        outDir: join(outDir, 'bundle'),
        machine: { architecture, ciphers: 'javascript' },
      });
    expect(bundle).toThrow(/its hash is not that of package-lock\.json/);
    expect(readdirSync(CACHE, { recursive: true }).filter((file) => String(file).includes('gnu'))).toEqual(
      [],
    );
  });
});
