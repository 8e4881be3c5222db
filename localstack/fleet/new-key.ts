import { generateKeyPairSync } from 'node:crypto';
import { parsePrivateKey } from '../../adapters/ssh/private-keys.ts';

/** PKCS#8, as `openssl genpkey` writes it. (ssh2 makes keys that it cannot read, one in two hundred.) */
export function newKey(type: 'ed25519' | 'rsa' | 'ec' = 'ed25519'): string {
  const { privateKey } = generateKeyPairSync(
    type as 'rsa',
    {
      modulusLength: 2048,
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    } as never,
  );
  return privateKey as unknown as string;
}

export function publicKeyOf(privateKey: string): string {
  const key = parsePrivateKey(privateKey, 'key');
  return `${key.type} ${key.getPublicSSH().toString('base64')}`;
}
