import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasNativeCrypto } from '../../adapters/ssh/native-crypto.ts';
import { ConfigError } from '../../core/errors.ts';
import { bundleFunction } from '../../lib/bundle.ts';
import { machineHere } from '../../lib/native-modules.ts';
import { handler } from './handler.ts';
import { defineExample, resources, templatesOf } from './synth.ts';

const STAGES = ['plan', 'probe', 'store', 'evaluate', 'notify', 'deliver', 'history'] as const;
const entry = 'test/stacks/handler.ts';
const machine = machineHere();
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const LARGEST_BYTES = 250 * 1024 * 1024;

let outDir: string;
beforeEach(() => {
  outDir = mkdtempSync(join(tmpdir(), 'bartizan-bundle-'));
});
afterEach(() => rmSync(outDir, { recursive: true, force: true }));

/** Runs the handler of a bundle in its own process, in a folder without our node_modules. */
function runBundle(): { answer: unknown; binaries: string[] } {
  const program = `
    const { handler } = await import('./index.mjs');
    const answer = await handler();
    const binaries = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'));
    process.stdout.write(JSON.stringify({ answer, binaries }));`;
  return JSON.parse(runProgram(program));
}

function runProgram(program: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: outDir,
    encoding: 'utf8',
    env: { ...process.env, BARTIZAN_BUCKET: 'files', BARTIZAN_TABLE: 'state' },
  });
}

function bytesIn(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

describe('a bundled function', () => {
  it.each(STAGES)('%s starts without our sources, and its bundle contains no deployment code', (stage) => {
    const inputs = bundleFunction({ entry: `functions/${stage}.ts`, outDir, machine });
    expect(inputs).toContain(`functions/${stage}.ts`);
    expect(
      inputs.filter((file) => /^(lib|cli|local)\/|node_modules\/(aws-cdk|constructs|esbuild)/.test(file)),
    ).toEqual([]);
    process.stdout.write(
      `${stage}: ${mebibytes(bytesIn(outDir))}, read at its start ${mebibytes(statSync(join(outDir, 'index.mjs')).size)}\n`,
    );
    const program = "const { handler } = await import('./index.mjs'); process.stdout.write(typeof handler);";
    expect(runProgram(program)).toBe('function');
  });

  it('the stacks bundle each function on its own; only the two of history share their code', () => {
    const { app, stacks } = defineExample({ bundle: true, context: { ...machine } });
    app.synth();
    const code = resources(templatesOf(stacks), 'AWS::Lambda::Function')
      .filter(({ Properties }) => Properties.Runtime.startsWith('nodejs'))
      .map(({ Properties }) => Properties.Code.S3Key);
    expect(new Set(code).size).toBe(STAGES.length);
  });

  it('a bundle gives the same answer as the sources, with native ciphers, and reports that it has them', async () => {
    const inputs = bundleFunction({ entry, outDir, machine });
    const { answer, binaries } = runBundle();
    expect(answer).toEqual(await handler());
    expect(answer).toMatchObject({ nativeCrypto: hasNativeCrypto() });
    const loaded = (name: RegExp) => binaries.filter((file) => file.startsWith(outDir) && name.test(file));
    expect(loaded(/resvgjs\.linux/)).toHaveLength(1);
    expect(loaded(/sshcrypto/)).toHaveLength(hasNativeCrypto() ? 1 : 0);
    expect(inputs.filter((file) => /node_modules\/(aws-cdk-lib|constructs|esbuild)\//.test(file))).toEqual(
      [],
    );
    const size = bytesIn(outDir);
    process.stdout.write(`with ssh2, fonts and the renderer: ${mebibytes(size)}\n`);
    expect(size).toBeLessThan(LARGEST_BYTES / 4);
  });

  it('a bundle has ciphers in JavaScript where the setting asks for them', () => {
    bundleFunction({ entry, outDir, machine: { ...machine, ciphers: 'javascript' } });
    expect(runBundle().answer).toMatchObject({ nativeCrypto: false });
  });

  it('the error names the entry that is missing', () => {
    const bundle = () => bundleFunction({ entry: 'functions/nothing.ts', outDir, machine });
    expect(bundle).toThrow(new ConfigError('functions/nothing.ts: there is no such file'));
  });
});
