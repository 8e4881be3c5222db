import { z } from 'zod';

/** Key types of OpenSSH that we support: no certificates, no hardware keys. */
const KEY_TYPES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];

/** Why a line is no host key, as `what is wrong; what to write`. Undefined when it is one. */
export function hostKeyProblem(line: string): string | undefined {
  if (/^(SHA256|MD5):/.test(line.trim())) {
    return 'a fingerprint is not enough to pin a key; write the key itself (`ssh-keyscan HOST`), or run `bartizan trust`';
  }
  const parts = line.trim().split(/\s+/);
  const at = parts.findIndex((part) => KEY_TYPES.includes(part));
  if (at > 0) return `a host name stands before the key; write \`${parts[at]} AAAA…\` alone`;
  if (at < 0)
    return `no known key type; a key is \`ssh-ed25519 AAAA…\`, its type one of ${KEY_TYPES.join(', ')}`;
  const [type = '', blob = ''] = parts;
  if (blob === '') return 'the key has no second part; write `ssh-ed25519 AAAA…`, on one line';
  const inside = typeInside(blob);
  if (inside === undefined)
    return 'the second part is not base64 of a key, or is cut off; copy the whole line';
  if (inside !== type) return `the second part is a key of type \`${inside}\`; the line says \`${type}\``;
  return undefined;
}

/** The key type inside a blob (RFC 4253, 6.6: strings, each with a length of 32 bits). Undefined for a cut or foreign blob. */
function typeInside(blob: string): string | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blob) || blob.length % 4 !== 0) return undefined;
  const bytes = atob(blob);
  let name: string | undefined;
  for (let offset = 0; offset < bytes.length; ) {
    const length = [0, 1, 2, 3].reduce((sum, i) => sum * 256 + bytes.charCodeAt(offset + i), 0);
    if (!(offset + 4 + length <= bytes.length)) return undefined;
    name ??= bytes.slice(offset + 4, offset + 4 + length);
    offset += 4 + length;
  }
  return name !== undefined && KEY_TYPES.includes(name) ? name : undefined;
}

/** `type base64`. Parsing drops a comment behind it. */
export const hostKeySchema = z
  .string({ error: () => 'a host key is a text; write `ssh-ed25519 AAAA…`' })
  .refine((line) => hostKeyProblem(line) === undefined, {
    error: ({ input }) => hostKeyProblem(String(input)),
  })
  .transform((line) => line.trim().split(/\s+/).slice(0, 2).join(' '))
  .meta({ examples: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA…'] });
