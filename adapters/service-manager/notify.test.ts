import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import { createServiceManager } from './notify.ts';

// The test of the .deb speaks to a real systemd; here are the failures.
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'service-manager-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function program(name: string, script: string): string {
  const file = join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

it('each assignment is an argument, and the program gets the socket and nothing else of ours', async () => {
  const out = join(dir, 'out');
  const file = program(
    'prints',
    `{ printf '%s|' "$@"; env | grep -v '^\\(PWD\\|OLDPWD\\|SHLVL\\|_\\)=' | sort; } > '${out}'`,
  );
  await createServiceManager('@socket', file).notify('READY=1', 'STATUS=serves http://h: "3 nodes"');
  expect(readFileSync(out, 'utf8')).toBe(
    'READY=1|STATUS=serves http://h: "3 nodes"|NOTIFY_SOCKET=@socket\nPATH=/usr/bin:/bin\n',
  );
});

it('without the program it says what to install, or to write', async () => {
  const file = join(dir, 'absent');
  const failed = createServiceManager('@socket', file).notify('READY=1');
  await expect(failed).rejects.toThrow(ConfigError);
  await expect(failed).rejects.toThrow(
    `${file}, which sends messages to the service manager, is not installed; install systemd, or write \`Type=exec\` and no \`WatchdogSec\` into the unit`,
  );
});

it('a failure has what the program prints, or its code', async () => {
  const manager = (script: string) => createServiceManager('@socket', program('fails', script));
  const failed = manager('echo "Failed to notify init system" >&2; exit 1').notify('READY=1');
  await expect(failed).rejects.toThrow(RetryableError);
  await expect(failed).rejects.toThrow(/fails failed: Failed to notify init system$/);
  await expect(manager('exit 3').notify('READY=1')).rejects.toThrow(/fails failed: Command failed/);
});
