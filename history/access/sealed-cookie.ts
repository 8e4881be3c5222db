// Cookies that only this service can read and make: encrypted and authenticated, with an end inside.

import { hkdfSync } from 'node:crypto';
import { ConfigError } from '../../core/errors.ts';

/** Whoever has a cookie can try out secrets that are shorter. */
const LEAST_CHARACTERS = 32;
/** https://datatracker.ietf.org/doc/html/rfc6265#section-6.1, less what stands around it. */
const LONGEST = 3_800;

export interface CookieKey {
  seal(purpose: string, content: Record<string, unknown>, lifetimeMs: number, nowMs: number): Promise<string>;
  /** Undefined: it is not ours, was sealed for another purpose, has ended, or was sealed with another secret. */
  open(purpose: string, text: string, nowMs: number): Promise<Record<string, unknown> | undefined>;
}

/**
 * Cookies of another `audience` are not ours, though sealed with the same secret, as where two deployments share one.
 * @throws ConfigError
 */
export function createCookieKey(secret: string, audience: readonly string[]): CookieKey {
  if (secret.length < LEAST_CHARACTERS)
    throw new ConfigError(
      `server.oidc: sessions need a secret of at least ${LEAST_CHARACTERS} characters; write one as \`cookieSecret\``,
    );
  const key = new Uint8Array(
    hkdfSync('sha256', secret, JSON.stringify(audience), 'bartizan history session', 32),
  );
  return {
    async seal(purpose, content, lifetimeMs, nowMs) {
      const { EncryptJWT } = await import('jose');
      const sealed = await new EncryptJWT(content)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setAudience(purpose)
        .setIssuedAt(new Date(nowMs))
        .setExpirationTime(new Date(nowMs + lifetimeMs))
        .encrypt(key);
      if (sealed.length > LONGEST)
        throw new ConfigError(`a cookie of ${sealed.length} bytes is longer than browsers keep`);
      return sealed;
    },
    async open(purpose, text, nowMs) {
      if (text.length > LONGEST) return undefined;
      const { jwtDecrypt } = await import('jose');
      try {
        const { payload } = await jwtDecrypt(text, key, {
          audience: purpose,
          requiredClaims: ['exp'],
          currentDate: new Date(nowMs),
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          maxDecompressedLength: 0,
        });
        return payload;
      } catch {
        return undefined;
      }
    },
  };
}

export interface CookieOptions {
  isSecure: boolean;
  path: string;
  lifetimeMs: number;
}

/** A browser sends it back to us alone, no script reads it, and no form of another site sends it along. */
export function cookieHeader(
  name: string,
  value: string,
  { isSecure, path, lifetimeMs }: CookieOptions,
): string {
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${value}; Path=${path}; Max-Age=${Math.floor(lifetimeMs / 1000)}; HttpOnly; SameSite=Lax${secure}`;
}

export function readCookie({ headers }: Request, name: string): string | undefined {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
