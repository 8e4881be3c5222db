// Tokens of the history service: `bzt_ID_SECRET`. The id finds what is stored of it; the secret is 256 random bits, which
// nobody can try out. So one SHA-256 protects it in a stolen table as well as a slow hash would, and costs a request nothing:
// slow hashes are for passwords, of which people choose few.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { StoredToken } from '../../core/model/token.ts';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const TOKEN = /^bzt_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

/** A new token: its text, which is shown once, and what is stored of it. */
export function createToken(): { text: string } & Pick<StoredToken, 'id' | 'hash'> {
  const id = randomBytes(ID_BYTES).toString('hex');
  const text = `bzt_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { text, id, hash: hashOf(text) };
}

/** The id in a token; undefined where the text is none. */
export function idOfToken(text: string): string | undefined {
  return TOKEN.exec(text)?.[1];
}

/** In a time that says nothing about where they differ. */
export function isTokenOf(text: string, { hash }: Pick<StoredToken, 'hash'>): boolean {
  return timingSafeEqual(Buffer.from(hashOf(text)), Buffer.from(hash.padEnd(64).slice(0, 64)));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
