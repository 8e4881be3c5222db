import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { scaledMs } from '../../test/machine-speed.ts';

const ssh2 = dirname(createRequire(import.meta.url).resolve('ssh2/package.json'));
/** Creates and drops thousands of ciphers, as the connections of a fleet do, while the process is otherwise idle. */
const SCRIPT = `
let binding;
try { binding = require(${JSON.stringify(join(ssh2, 'lib/protocol/crypto/build/Release/sshcrypto.node'))}); } catch {}
let rounds = 0;
setInterval(() => {
  for (let i = 0; i < 3000; i++) binding && new binding.AESGCMCipher('aes-128-gcm', Buffer.alloc(16), Buffer.alloc(12));
  if (++rounds === 20) process.exit(0);
}, 5);
`;

it('the native binding of ssh2, where there is one, does not make Node abort when ciphers are collected', () => {
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', SCRIPT], {
    encoding: 'utf8',
    timeout: scaledMs(30_000),
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
});
