import { createRequire } from 'node:module';

/** Whether ssh2 has its native binding. It falls back without a word, and then needs about twice the CPU. */
export function hasNativeCrypto(): boolean {
  try {
    createRequire(import.meta.url)('ssh2/lib/protocol/crypto/build/Release/sshcrypto.node');
    return true;
  } catch {
    return false;
  }
}
