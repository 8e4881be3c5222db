import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../core/errors.ts';
import { hash } from '../../test/openssh/known-hosts-lines.ts';
import { changeKnownHosts, createPinnedKeys, readKnownHosts } from './known-hosts-file.ts';

const A = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1QEaabql8lWbk+yc5xS0bcTXUsiYMxCtvMtKoJx+np';
const B = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID61EgCu2OWOuPUVkoy5dpdtnSKM2JvRatb3XK8cAi3k';

/** Where a link leads; the descriptor that lists a folder is closed before it is read. */
function linkOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-known-'));
  path = join(dir, 'known_hosts');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

describe('known_hosts in use', () => {
  it('is read again when it changed, also at the same size and time', async () => {
    const pinned = createPinnedKeys(path);
    const keys = async () =>
      (await (await pinned.load())([], { plain: 'gate' })).accepted.map(({ base64 }) => base64);
    expect(await keys()).toEqual([]);
    writeFileSync(path, `gate ${A}\n`);
    utimesSync(path, 1, 1);
    expect(await keys()).toEqual([A.split(' ')[1]]);
    writeFileSync(path, `gate ${B}\n`);
    utimesSync(path, 1, 1);
    expect(await keys()).toEqual([B.split(' ')[1]]);
    rmSync(path);
    expect(await keys()).toEqual([]);
  });

  it('adds its keys to those of the configuration, which come first', async () => {
    writeFileSync(path, `gate ${A}\n`);
    const find = await createPinnedKeys(path).load();
    const keysOf = async (lines: string[]) =>
      (await find(lines, { plain: 'gate' })).accepted.map(({ type, base64 }) => `${type} ${base64}`);
    expect(await keysOf([B])).toEqual([B, A]);
    expect(await keysOf([B, A])).toEqual([B, A, A]);
    await expect(keysOf(['ssh-ed25519'])).rejects.toThrow();
  });

  it.each<[string, () => void, string]>([
    ['a folder', () => mkdirSync(path), 'it is not a regular file'],
    ['a pipe, which is not waited for', () => execFileSync('mkfifo', [path]), 'it is not a regular file'],
    ['a link to itself', () => symlinkSync(path, path), 'it is a link that leads to itself'],
    [
      'too large',
      () => {
        writeFileSync(path, '');
        truncateSync(path, 2 ** 27);
      },
      'it is too large for known_hosts',
    ],
  ])('is an error with its name if it is %s', async (_what, make, reason) => {
    make();
    const error = new ConfigError(`${path}: ${reason}`);
    await expect(createPinnedKeys(path).load()).rejects.toThrow(error);
    await expect(readKnownHosts(path)).rejects.toThrow(error);
    await expect(changeKnownHosts(path, (text) => text)).rejects.toThrow(error);
  });
});

it('yields to the event loop while it compares hashed lines', async () => {
  const lines = Array.from({ length: 400 }, (_, i) => `${hash(`other-${i}`)} ${A}\n`);
  writeFileSync(path, lines.join(''));
  const find = await createPinnedKeys(path).load();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const before = process.threadCpuUsage();
  for (let i = 0; i < 100; i++) await find([], { plain: `host-${i}` });
  clearInterval(timer);
  const { user, system } = process.threadCpuUsage(before);
  // None of its stretches is much longer than 20 ms.
  expect(turns).toBeGreaterThan((user + system) / 1000 / 250);
});

it('yields after 20 ms of work, and then begins to count anew', async () => {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const find = await createPinnedKeys(path).load();
  const yields = async (atMs: number) => {
    let hasTurned = false;
    const turn = setImmediate(() => {
      hasTurned = true;
    });
    nowMs = atMs;
    await find([], { plain: 'gate' });
    clearImmediate(turn);
    return hasTurned;
  };
  expect([await yields(20), await yields(21), await yields(41), await yields(42)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

it('is empty where there is no file, and may have 64 MiB', async () => {
  expect(await readKnownHosts(path)).toBe('');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 26);
  expect((await readKnownHosts(path)).length).toBe(2 ** 26);
});

it('is closed when it was read', async () => {
  writeFileSync(path, `gate ${A}\n`);
  const openFiles = () => readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`));
  const held = openSync(path, 'r');
  expect(openFiles()).toContain(path);
  closeSync(held);
  await readKnownHosts(path);
  expect(openFiles()).not.toContain(path);
});

it('says an error that has no words of ours as the system does', async () => {
  writeFileSync(path, '');
  await expect(readKnownHosts(join(path, 'beneath'))).rejects.toThrow('ENOTDIR');
});

describe('known_hosts that is changed', () => {
  it('keeps concurrent changes of others, and bytes that are not UTF-8', async () => {
    writeFileSync(path, 'a x \xff\n', 'latin1');
    let calls = 0;
    await changeKnownHosts(path, (text) => {
      if (++calls === 1) appendFileSync(path, 'b y\n');
      return `${text}new\n`;
    });
    expect(readFileSync(path, 'latin1')).toBe('a x \xff\nb y\nnew\n');
  });

  it('is left alone while another program keeps changing it', async () => {
    writeFileSync(path, '');
    let tries = 0;
    const failed = changeKnownHosts(path, (text) => {
      tries++;
      appendFileSync(path, 'more\n');
      return `${text}new\n`;
    });
    await expect(failed).rejects.toThrow('another program keeps changing it');
    expect(readFileSync(path, 'utf8')).not.toContain('new');
    expect(tries).toBeGreaterThan(1);
  });
});
