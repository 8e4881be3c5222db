import type { Labels } from '../model/labels.ts';

/** A value as a node printed it: without labels of the target, and without a time. */
export interface Reading {
  metric: string;
  labels: Labels;
  value: number;
}

/** What a node sends is not to be trusted: more devices or mounts than this are dropped, with a note. */
export const MAX_DEVICES = 256;
export const MAX_MOUNTS = 1_024;

/** A plain decimal number, or undefined: no sign, no exponent, no blank, nothing that would become NaN. */
export function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && text.length <= 20 && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** A name of a device or mount that can be a label: printable, of a length that exists. */
export function isName(text: string, maxLength: number): boolean {
  return text.length > 0 && text.length <= maxLength && !/[\p{Cc}\uFFFD]/u.test(text);
}

const MOST_NAMES = 3;

/** The first few of many names, for a note: `a, b, c and 9 more`. */
export function namesText(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Lines between the script's marker lines; undefined if they are not all there. What a profile prints around is cut. */
export function findFrame(output: string, script: string): string[] | undefined {
  const lines = output.split(/\r?\n/);
  const begin = lines.lastIndexOf(`@bartizan begin ${script}`);
  if (begin < 0) return undefined;
  const end = lines.indexOf('@bartizan end', begin);
  return end < 0 ? undefined : lines.slice(begin + 1, end);
}
