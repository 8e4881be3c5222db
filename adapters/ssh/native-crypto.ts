import crypto from 'ssh2/lib/protocol/crypto.js';

/** Whether ssh2 has its native binding. Without it ssh2 silently falls back, and needs about twice the CPU. */
export function hasNativeCrypto(): boolean {
  return crypto.bindingAvailable;
}
