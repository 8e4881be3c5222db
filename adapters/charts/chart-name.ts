import { randomBytes } from 'node:crypto';

/** 128 random bits: nobody guesses the address of a picture. */
const NAME = /^[A-Za-z0-9_-]{22}\.png$/;

export function newChartName(): string {
  return `${randomBytes(16).toString('base64url')}.png`;
}

/** What is no such name is not looked for anywhere. */
export function isChartName(name: string): boolean {
  return NAME.test(name);
}

/** Where the server answers for a picture. */
export function chartUrl(publicUrl: string, name: string): string {
  return new URL(`charts/${name}`, `${publicUrl.replace(/\/+$/, '')}/`).href;
}
