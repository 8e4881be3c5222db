// The parts of a signature by `ssh-keygen -Y sign` that we need: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig

import { createHash } from 'node:crypto';

const MAGIC = 'SSHSIG';

/** The signature of an armoured file, as one line of base64. Undefined: it is none. */
export function unarmoured(text: string): string | undefined {
  const found = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?$/.exec(
    text,
  );
  return found?.[1]?.replaceAll('\n', '');
}

/** The public key (`type base64`) that a signature says it is of. Undefined: it is no signature. */
export function signerOf(signature: string): string | undefined {
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return undefined;
  const key = stringAt(bytes, MAGIC.length + 4);
  const type = key && stringAt(key, 0);
  return type && `${type.toString('latin1')} ${key.toString('base64')}`;
}

/** As ssh-keygen shows it. */
export function fingerprintOfLine(publicKey: string): string {
  const bytes = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
}

/** A string of RFC 4251, 5: its length in four bytes, then its bytes. */
function stringAt(bytes: Buffer, offset: number): Buffer | undefined {
  if (bytes.length < offset + 4) return undefined;
  const end = offset + 4 + bytes.readUInt32BE(offset);
  return bytes.length < end ? undefined : bytes.subarray(offset + 4, end);
}
