/** The part of ssh2 1.17 that we use; its types leave it out. */
declare module 'ssh2/lib/protocol/crypto.js' {
  const crypto: { bindingAvailable: boolean };
  export default crypto;
}
