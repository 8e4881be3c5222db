// The file that `bartizan catalogue sign` writes: a signature for each script, public and of no use without a node's key.

import { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { SCRIPT_NAME } from './signed-script.ts';

/** A signature of an RSA key of 4,096 bits has 1.5 KB. */
export const LONGEST_SIGNATURE = 3_000;
/** The scripts of some releases, and a few hundred commands of an operator. */
const MOST_SIGNATURES = 5_000;
/** Room for as many signatures; larger files are not read. */
export const LARGEST_FILE_BYTES = 20_000_000;
/** The latest time that a shell with 32-bit numbers can compare. */
const LATEST_SECOND = 2_147_483_647;

const second = z.int().min(1).max(LATEST_SECOND);
const signatureSchema = z.strictObject({
  name: z.string().regex(SCRIPT_NAME),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  version: second,
  notAfter: second,
  /** For readers of the file. */
  expires: z.string().optional(),
  signature: z
    .string()
    .max(LONGEST_SIGNATURE)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/),
});
const fileSchema = z.strictObject({
  format: z.literal('bartizan-signatures-1'),
  signatures: z.array(signatureSchema).max(MOST_SIGNATURES),
});

/** The signature of a script, by the SHA-256 of its text. */
export type ScriptSignature = Omit<z.output<typeof signatureSchema>, 'expires'>;

export type Signatures = ReadonlyMap<string, ScriptSignature>;

/** @throws ConfigError that names the file */
export function readSignatures(text: string, file: string): Signatures {
  const damaged = (why: string, cause?: unknown) =>
    new ConfigError(`${file}: it is no file of \`bartizan catalogue sign\`: ${why}`, { cause });
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw damaged('it is no JSON', cause);
  }
  const read = fileSchema.safeParse(data);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw damaged(`${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
  }
  return new Map(
    read.data.signatures.map(({ expires: _expires, ...signature }) => [signature.sha256, signature]),
  );
}

/** Sorted by name, so that a new file differs from the old one only where signatures do. */
export function signaturesText(signatures: Signatures): string {
  const sorted = [...signatures.values()].sort(
    (a, b) => compare(a.name, b.name) || compare(a.sha256, b.sha256),
  );
  const shown = sorted.map(({ signature, ...rest }) => ({
    ...rest,
    expires: timeText(rest.notAfter),
    signature,
  }));
  return `${JSON.stringify({ format: 'bartizan-signatures-1', signatures: shown }, null, 1)}\n`;
}

/**
 * Adds new signatures to those of the file. Valid ones of other scripts stay: while a release is replaced, the one before
 * still needs them.
 */
export function mergeSignatures(
  before: Signatures,
  added: readonly ScriptSignature[],
  nowSecond: number,
): Signatures {
  const valid = [...before].filter(([, { notAfter }]) => notAfter > nowSecond);
  return new Map([...valid, ...added.map((signature) => [signature.sha256, signature] as const)]);
}

/** The lowest version of the file: a node that refuses lower ones accepts all of it. Undefined: it has no signature. */
export function lowestVersion(signatures: Signatures): number | undefined {
  let lowest: number | undefined;
  for (const { version } of signatures.values())
    if (lowest === undefined || version < lowest) lowest = version;
  return lowest;
}

/** `2027-02-28 16:54:08Z` */
export function timeText(second: number): string {
  return `${new Date(second * 1000).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
