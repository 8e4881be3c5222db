import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { initCommand } from './init.ts';
import { schemaText } from './schema.ts';
import { STARTER } from './starter.ts';

let dir: string;
const path = (name: string) => join(dir, name);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-init-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What the command prints. */
async function init(...args: string[]): Promise<string> {
  const stream = new PassThrough();
  await initCommand(stream as unknown as NodeJS.WriteStream).parseAsync(args, { from: 'user' });
  stream.end();
  return (await stream.toArray()).join('');
}

it('--template writes the file to fill in and its schema, and names the next commands', async () => {
  const printed = await init('--template', path('a.yaml'));
  expect(readFileSync(path('a.yaml'), 'utf8')).toBe(STARTER);
  expect(readFileSync(path('bartizan.schema.json'), 'utf8')).toBe(schemaText());
  expect(printed).toContain(`  bartizan trust -c ${path('a.yaml')}\n`);
});

it('names the file in a form that a shell takes', async () => {
  const file = path("it's a.yaml");
  expect(await init('--template', file)).toContain(`  bartizan trust -c '${path("it'\\''s a.yaml")}'\n`);
});

it('overwrites neither a configuration nor a schema', async () => {
  writeFileSync(path('a.yaml'), 'mine');
  writeFileSync(path('bartizan.schema.json'), 'mine too');
  await expect(init('--template', path('a.yaml'))).rejects.toThrow(
    'a.yaml exists, and init overwrites nothing',
  );
  const printed = await init('--template', path('b.yaml'));
  expect(printed).toContain('a bartizan.schema.json of another release, which `bartizan schema > ');
  expect(['a.yaml', 'bartizan.schema.json'].map((name) => readFileSync(path(name), 'utf8'))).toEqual([
    'mine',
    'mine too',
  ]);
});

it('leaves no schema where the configuration cannot be written', async () => {
  await expect(init('--template', path(`${'x'.repeat(300)}.yaml`))).rejects.toThrow(
    'cannot be written (ENAMETOOLONG)',
  );
  expect(readdirSync(dir)).toEqual([]);
  await expect(init('--template', path('no/a.yaml'))).rejects.toThrow(/the folder .*no does not exist/);
});

it('asks nothing where the folder cannot be written', () => {
  chmodSync(dir, 0o555);
  const { stderr } = spawnSync(process.execPath, [join(process.cwd(), 'bin/bartizan.ts'), 'init'], {
    cwd: dir,
    env: { ...process.env, HOME: '/nonexistent' },
    encoding: 'utf8',
    // No mode keeps root out.
    ...(process.getuid?.() === 0 && { uid: 65_534 }),
  });
  expect(stderr).toContain('nothing can be written into the folder ');
});

it('takes no answers beside --template', async () => {
  for (const option of ['--yes', '--cluster=c', `--fingerprint=SHA256:${'A'.repeat(43)}`]) {
    const command = initCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    const failed = command.parseAsync(['--template', option, path('a.yaml')], { from: 'user' });
    await expect(failed).rejects.toThrow('cannot be used with option');
  }
  expect(readdirSync(dir)).toEqual([]);
});

it('writes nothing without a terminal and without the answers, and names all that are missing', () => {
  const tried = (...args: string[]) => {
    try {
      return execFileSync(process.execPath, [join(process.cwd(), 'bin/bartizan.ts'), 'init', ...args], {
        cwd: dir,
        env: { ...process.env, HOME: dir },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
  };
  expect(tried()).toContain(
    'nobody can be asked here; give --bastion, --key, --node, --yes (or --fingerprint for each host key), or write',
  );
  expect(tried('--bastion', 'gate', '--node', 'n', '--key', 'k', '--yes')).toContain('there is no such file');
  expect(existsSync(path('bartizan.yaml'))).toBe(false);
  expect(readdirSync(dir)).toEqual([]);
});
