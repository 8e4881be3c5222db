import { randomBytes } from 'node:crypto';

/** 128 random bits: nobody guesses the address of a picture. */
const NAME = /^[A-Za-z0-9_-]{22}\.png$/;

export function newChartName(): string {
  return `${randomBytes(16).toString('base64url')}.png`;
}

/** Whether it has the form of a name; other names are never looked up. */
export function isChartName(name: string): boolean {
  return NAME.test(name);
}

/** Address at which the server has a picture. */
export function chartUrl(publicUrl: string, name: string): string {
  return new URL(`charts/${name}`, `${publicUrl.replace(/\/+$/, '')}/`).href;
}
