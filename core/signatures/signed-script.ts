// How a script is signed, and how it travels: the forced command that `signedKeyLine` prints reads it in this form.

/** A signature by another program with the same key is not valid for a script, and the other way round. */
export const NAMESPACE = 'bartizan-script';
/** Whoever signs has this name in the line of a node. */
export const SIGNER = 'bartizan';

/** Names of scripts, as `usage@2`: nothing that ends a header, or that a shell could understand. */
export const SCRIPT_NAME = /^[A-Za-z0-9][A-Za-z0-9@._-]{0,79}$/;

export interface SignedHeader {
  name: string;
  /** Nodes refuse versions below the lowest one of their line. By default the Unix time of signing, in seconds. */
  version: number;
  /** Nodes refuse it from then on, by their own clock: Unix time in seconds. */
  notAfter: number;
}

/**
 * What is signed: the script behind a first line that is a comment to a shell. So a node executes just what it has verified,
 * and no header fits another script.
 */
export function signedMessage({ name, version, notAfter }: SignedHeader, text: string): string {
  return `#${NAMESPACE} version=${version} until=${notAfter} name=${name}\n${text}`;
}

/**
 * What is sent: the signature, a space, the message. Its first line is a comment to a shell as well, so that a node without a
 * forced command executes it like the bare script.
 */
export function sentMessage(signature: string, message: string): string {
  return `#${signature} ${message}`;
}
