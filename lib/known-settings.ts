import { ConfigError } from '../core/errors.ts';
import { choose, nearest } from '../core/text/suggestions.ts';
import { readSettings, writeSettings } from './settings.ts';

/** Our setting names, which may be written after `-c`. */
const KNOWN = [...Object.keys(writeSettings(readSettings(() => undefined))), 'name', 'confirm', 'config'];

/** Names of CDK contain one of these characters; ours contain none. */
const OF_CDK = /[:@]/;

/** CDK ignores a misspelt setting. @throws ConfigError that names each unknown one and a suggestion */
export function requireKnown(given: readonly string[]): void {
  const unknown = unknownAmong(given);
  if (unknown.length === 0) return;
  throw new ConfigError(
    unknown.map((name) => `-c ${name}: no such setting; ${choose(name, KNOWN, 'there are')}`).join('\n'),
  );
}

/** Checks only names that look like ours, because CDK reads context from other sources too. @throws ConfigError */
export function requireWellSpelt(given: readonly string[]): void {
  requireKnown(unknownAmong(given).filter((name) => nearest(name, KNOWN) !== undefined));
}

function unknownAmong(given: readonly string[]): string[] {
  return given.filter((name) => !OF_CDK.test(name) && !KNOWN.includes(name));
}
