import { ConfigError } from '../core/errors.ts';
import { choose, nearest } from '../core/text/suggestions.ts';
import { readSettings, writeSettings } from './settings.ts';

/** Our own names that may be written after `-c`. */
const KNOWN = [...Object.keys(writeSettings(readSettings(() => undefined))), 'name', 'confirm', 'config'];

/** Names of CDK contain one of these characters; ours contain none. */
const OF_CDK = /[:@]/;

/** CDK ignores a misspelt setting, as if it were left out. @throws ConfigError that names each of them and the one meant */
export function requireKnown(given: readonly string[]): void {
  const unknown = unknownAmong(given);
  if (unknown.length === 0) return;
  throw new ConfigError(
    unknown.map((name) => `-c ${name}: no such setting; ${choose(name, KNOWN, 'there are')}`).join('\n'),
  );
}

/** Checks only names like ours: context of CDK comes from other sources too, and holds values of others. @throws ConfigError */
export function requireWellSpelt(given: readonly string[]): void {
  requireKnown(unknownAmong(given).filter((name) => nearest(name, KNOWN) !== undefined));
}

function unknownAmong(given: readonly string[]): string[] {
  return given.filter((name) => !OF_CDK.test(name) && !KNOWN.includes(name));
}
