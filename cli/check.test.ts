import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS } from '../adapters/registry.ts';
import { configJsonSchema } from '../core/config/config-schema.ts';
import { DEFAULT_CHECKS, defaultRoutes, defaultRules } from '../core/config/defaults.ts';
import { ConfigError } from '../core/errors.ts';
import { configReference } from '../test/configuration-page.ts';
import { checkCommand } from './check.ts';
import { loadConfig, readConfig, secretsFor } from './config-file.ts';
import { formatProblem } from './problem-report.ts';
import { schemaText } from './schema.ts';
import { STARTER } from './starter.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bartizan-check-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** The output of `check`, and its exit code. */
async function check(args: readonly string[], terminal = false): Promise<{ output: string; code: unknown }> {
  const stream = Object.assign(new PassThrough(), {
    isTTY: terminal,
    getColorDepth: () => 8,
    hasColors: () => true,
  });
  const before = process.exitCode;
  await checkCommand(stream as unknown as NodeJS.WriteStream).parseAsync([...args], { from: 'user' });
  const code = process.exitCode;
  process.exitCode = before;
  stream.end();
  return { output: (await stream.toArray()).join(''), code };
}

describe('check', () => {
  it('reports all errors of a file at once', async () => {
    const { output, code } = await check(['test/fixtures/broken.yaml']);
    expect(code).toBe(1);
    await expect(output).toMatchFileSnapshot('../test/fixtures/broken.txt');
  });

  it('prints no value that should be a secret', async () => {
    for (const args of [['test/fixtures/broken.yaml'], ['--json', 'test/fixtures/broken.yaml']]) {
      const { output } = await check(args);
      expect(output).not.toMatch(/never-shown|bm90IGEga2V5LCBhbmQgbmV2ZXIgc2hvd24K/);
    }
  });

  it('with --aws, reports settings that a deployment or an upload refuses', async () => {
    const file = join(dir, 'aws.yaml');
    const example = await readFile('examples/aws/bartizan.yaml', 'utf8');
    const wrong = example
      .replace('every: 1m', 'every: 30s')
      .replace('    user: probe\n', '    user: probe\n    batchSize: 7000\n    maxConnections: 1\n');
    await writeFile(file, wrong);
    expect((await check([file])).code).toBe(0);
    const { output, code } = await check([file, '--aws']);
    expect(code).toBe(1);
    expect(output).toContain('checks usage: it runs every 30 s, and schedules on AWS count whole minutes');
    expect(output).toContain('bastions seoul: a batch of 7000 nodes fits no message');
    expect(output).toContain('bastions seoul: a queue feeds two functions at once at least');
    expect((await check(['examples/aws/bartizan.yaml', '--aws'])).code).toBe(0);
  });

  it('prints JSON', async () => {
    const { output, code } = await check(['--json', 'test/fixtures/broken.yaml', join(dir, 'absent.yaml')]);
    const verdicts = JSON.parse(output) as {
      file: string;
      ok: boolean;
      problems: Record<string, unknown>[];
    }[];
    expect(code).toBe(1);
    expect(verdicts.map(({ ok }) => ok)).toEqual([false, false]);
    expect(verdicts[0]?.problems[0]).toEqual({
      severity: 'error',
      file: 'test/fixtures/broken.yaml',
      line: 4,
      column: 11,
      path: 'bastions[0].host',
      message: 'the user does not belong here',
      suggestion: 'write it as `user`',
    });
    expect(verdicts[1]?.problems.map(({ message }) => message)).toEqual([
      'there is no such file; `bartizan init` writes one to start from',
    ]);
  });

  it('uses colours only on a terminal', async () => {
    const esc = String.fromCharCode(27);
    expect((await check(['test/fixtures/broken.yaml'], true)).output).toContain(`${esc}[31m`);
    expect((await check(['test/fixtures/broken.yaml'], false)).output).not.toContain(esc);
  });

  it('reports a folder, a file that is not UTF-8 and an absent file, and still checks the other files', async () => {
    const latin = join(dir, 'latin.yaml');
    await writeFile(latin, Buffer.from([0x62, 0xe4, 0x0a]));
    const { output } = await check([dir, latin, join(dir, 'absent.yaml'), 'test/fixtures/broken.yaml']);
    expect(output).toContain(`${dir}:1:1  it is a folder`);
    expect(output).toContain(`${latin}:1:1  it is not UTF-8`);
    expect(output).toContain('absent.yaml:1:1  there is no such file');
    expect(output).toContain('✗ test/fixtures/broken.yaml: ');
  });

  it('works the same from the command line', async () => {
    const run = promisify(execFile)(process.execPath, [
      'bin/bartizan.ts',
      'check',
      'test/fixtures/broken.yaml',
    ]);
    const failed = (await run.catch((error: unknown) => error)) as {
      code: number;
      stdout: string;
      stderr: string;
    };
    expect(failed).toMatchObject({ code: 1, stderr: '' });
    expect(failed.stdout).toBe(await readFile('test/fixtures/broken.txt', 'utf8'));
  });
});

describe('the line of a problem', () => {
  it('underlines by columns of the terminal, where wide letters count twice', () => {
    const problem = { severity: 'error', file: 'f', line: 3, column: 9, path: 'a', message: 'm' } as const;
    expect(formatProblem({ ...problem, excerpt: { text: 'name: 한빛 x', start: 6, length: 2 } })).toBe(
      'f:3:9  a  m\n     3 │ name: 한빛 x\n       │       ^^^^',
    );
  });
});

describe('loading a configuration', () => {
  it('returns the configuration and the warnings', async () => {
    const file = join(dir, 'good.yaml');
    await writeFile(file, STARTER);
    const { config, warnings } = await loadConfig(file);
    expect(config.store.path).toBe(join(dir, 'data'));
    expect(warnings.map(({ severity }) => severity)).toEqual(warnings.map(() => 'warning'));
  });

  it('reports all errors in one error, without warnings, up to a limit', async () => {
    const failed = loadConfig('test/fixtures/broken.yaml');
    await expect(failed).rejects.toThrow(ConfigError);
    await expect(failed).rejects.toThrow(/^test\/fixtures\/broken\.yaml has \d+ errors\n/);
    await expect(failed).rejects.not.toThrow(/warning/);
  });

  it('resolves references relative to the folder of the file', async () => {
    await writeFile(join(dir, 'token'), 'beside-the-file\n');
    expect(await secretsFor(join(dir, 'good.yaml')).resolve(`\${file:token}`)).toBe('beside-the-file');
  });
});

describe('the file to fill in', () => {
  it('shows in its comments the values that apply without them', async () => {
    const file = join(dir, 'uncommented.yaml');
    // Prose has a space and a letter after its `#`; a setting in a comment has not.
    await writeFile(file, STARTER.replace(/^#(?! [A-Za-z`])(?!$)/gm, ''));
    const result = await readConfig(file);
    const config = result.ok ? result.config : undefined;
    expect(result).toMatchObject({ ok: true });
    expect(config?.checks).toEqual(DEFAULT_CHECKS);
    expect(config?.rules).toEqual(defaultRules(DEFAULT_CHECKS));
    expect(config?.routes).toEqual(defaultRoutes([{ name: 'ops' }]));
    const { config: plain } = await loadConfig(join(dir, 'good.yaml'));
    expect(config?.store).toEqual(plain.store);
    expect(config?.schedule).toEqual(plain.schedule);
    expect(config?.server).toEqual({ ...plain.server, publicUrl: 'http://127.0.0.1:9470' });
  });
});

describe('the published files', () => {
  it('include the JSON Schema', async () => {
    await expect(schemaText()).toMatchFileSnapshot('../docs/schema/bartizan.schema.json');
  });

  it('include the reference', async () => {
    await expect(configReference(configJsonSchema(KINDS))).toMatchFileSnapshot('../docs/configuration.md');
  });

  const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('bartizan.yaml'))
    .map((name) => join('examples', name));
  it('examples exist', () => {
    expect(examples.length).toBeGreaterThan(0);
  });
  it.each(examples)('%s is valid and points to the schema', async (file) => {
    expect((await readConfig(file)).ok).toBe(true);
    const [, schema = ''] =
      /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(file, 'utf8')) ?? [];
    expect(resolve(dirname(file), schema)).toBe(resolve('docs/schema/bartizan.schema.json'));
  });
});
