import type { Labels } from '../model.ts';

/** A value as one node told it, before it is known whose it is: no labels of the target, no time. */
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

/** Lines between the script's marker lines; undefined if they are not all there. What a profile prints around is cut. */
export function findFrame(output: string, script: string): string[] | undefined {
  const lines = output.split(/\r?\n/);
  const begin = lines.lastIndexOf(`@bartizan begin ${script}`);
  if (begin < 0) return undefined;
  const end = lines.indexOf('@bartizan end', begin);
  return end < 0 ? undefined : lines.slice(begin + 1, end);
}
