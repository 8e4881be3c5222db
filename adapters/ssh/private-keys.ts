import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { ConfigError } from '../../core/errors.ts';

const KEY_TYPES = /^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa)$/;

/**
 * Parses a private key in OpenSSH's format or PEM (PKCS#1, SEC1, PKCS#8). `what` names it in errors, which reveal nothing
 * of the key or its passphrase. Ignores the passphrase where the key has none. Parsing costs more than a signature, so
 * callers keep the result. @throws ConfigError
 */
export function parsePrivateKey(text: string, what: string, passphrase?: string): ParsedKey {
  const pkcs8 = text.includes('-----BEGIN PRIVATE KEY-----') || text.includes(ENCRYPTED_PKCS8);
  const key = ssh2.utils.parseKey(pkcs8 ? fromPkcs8(text, what, passphrase) : text, passphrase);
  if (key instanceof Error) throw new ConfigError(`${what}: ${explain(text, passphrase)}`);
  const parsed = Array.isArray(key) ? key[0] : key;
  if (!parsed.isPrivateKey())
    throw new ConfigError(`${what}: this is a public key; the private one is needed`);
  if (!KEY_TYPES.test(parsed.type)) {
    throw new ConfigError(`${what}: keys of type ${parsed.type} are not used; make an ed25519 one`);
  }
  return parsed.type === 'ssh-ed25519' ? withKeyObject(parsed) : parsed;
}

/** ssh2 keeps the key as PEM and parses that for every signature, which costs more than the signature. */
function withKeyObject(key: ParsedKey): ParsedKey {
  const object = createPrivateKey(key.getPrivatePEM());
  key.sign = (data) => sign(null, typeof data === 'string' ? Buffer.from(data) : data, object);
  return key;
}

const ENCRYPTED_PKCS8 = '-----BEGIN ENCRYPTED PRIVATE KEY-----';

function explain(text: string, passphrase: string | undefined): string {
  if (text.trim() === '') return 'the private key is empty';
  if (hasPassphrase(text)) {
    if (passphrase === undefined)
      return 'the private key is protected by a passphrase; write a reference to it in `passphrase`';
    return 'the passphrase does not open the private key';
  }
  return 'not a private key in OpenSSH or PEM format';
}

/** Whether a passphrase protects a private key, as far as its text says. */
export function hasPassphrase(text: string): boolean {
  return /ENCRYPTED/.test(text) || isEncryptedOpenSsh(text);
}

function isEncryptedOpenSsh(text: string): boolean {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  // `openssh-key-v1\0`, then the name of the cipher: `none` for a key without a passphrase.
  return (
    body !== undefined && Buffer.from(body, 'base64').subarray(15, 23).toString('latin1') !== '\0\0\0\x04none'
  );
}

/** ssh2 cannot read PKCS#8, so we convert to a format that it reads. */
function fromPkcs8(text: string, what: string, passphrase: string | undefined): string {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase }) });
  } catch (cause) {
    throw new ConfigError(`${what}: ${explain(text, passphrase)}`, { cause });
  }
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return key.export({ type: 'pkcs1', format: 'pem' }) as string;
    case 'ec':
      return key.export({ type: 'sec1', format: 'pem' }) as string;
    case 'ed25519':
      return ed25519ToOpenSsh(key);
    default:
      throw new ConfigError(
        `${what}: keys of type ${key.asymmetricKeyType} are not used; make an ed25519 one`,
      );
  }
}

/** Converts to OpenSSH's own format (PROTOCOL.key), the only one it has for ed25519 keys. */
function ed25519ToOpenSsh(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const text = (value: string | Buffer) => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const type = text('ssh-ed25519');
  // Two equal check numbers detect a wrong passphrase; without a passphrase any pair will do.
  const secret = [Buffer.alloc(8), type, text(point), text(Buffer.concat([seed, point])), text('')];
  const size = secret.reduce((sum, field) => sum + field.length, 0);
  const padding = Buffer.from(Array.from({ length: (8 - (size % 8)) % 8 }, (_, i) => i + 1));
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.from([0, 0, 0, 1]),
    text(Buffer.concat([type, text(point)])),
    text(Buffer.concat([...secret, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
