import crypto from 'ssh2/lib/protocol/crypto.js';

/** Whether ssh2 has its native binding. Without it ssh2 silently falls back, and needs about twice the CPU. */
export function hasNativeCrypto(): boolean {
  return crypto.bindingAvailable;
}

/** What its absence costs, and where there is one. */
export const NO_NATIVE_CRYPTO = `ssh2 runs without its native binding, at about twice the CPU: none can be loaded with Node ${process.versions.node} on ${process.platform} ${process.arch}. Packages have it for Node 24 and 26 on Linux with glibc 2.34 or later; in a checkout \`npm run postinstall\` says what is missing`;
