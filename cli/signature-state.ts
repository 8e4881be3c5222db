// Which scripts have a signature, and for how long, for `catalogue list` and `check`.

import { scriptsToSign } from '../adapters/probes/needs.ts';
import { loadSignatures, signatureFile } from '../adapters/signatures/signature-source.ts';
import { signerOf } from '../adapters/signatures/sshsig.ts';
import type { Problem } from '../core/config/problem.ts';
import { describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { type ScriptSignature, type Signatures, timeText } from '../core/signatures/signature-file.ts';

/** So long before the first signature expires `check` warns, as the default rule does. */
const SOON_SECONDS = 14 * 86_400;
const MOST_NAMES = 5;

export interface SignedScript {
  name: string;
  sha256: string;
  state: 'signed' | 'expired' | 'unsigned';
  signature?: ScriptSignature;
  /** `type base64` of the key that the signature says it is of. */
  signer?: string;
}

/** The scripts of this release and configuration, each with its signature. */
export function signedScripts(
  { checks, commands }: Pick<Config, 'checks' | 'commands'>,
  signatures: Signatures,
  nowSecond: number,
): SignedScript[] {
  return scriptsToSign(checks, commands).map(({ name, sha256 }) => {
    const signature = signatures.get(sha256);
    if (!signature) return { name, sha256, state: 'unsigned' };
    const signer = signerOf(signature.signature);
    const state = signature.notAfter > nowSecond ? 'signed' : 'expired';
    return { name, sha256, state, signature, ...(signer !== undefined && { signer }) };
  });
}

/** What `check` says of the file of signatures: an error when it cannot be read, warnings about scripts. */
export async function checkSignatures(file: string, config: Config, nowMs: number): Promise<Problem[]> {
  if (!config.signatures) return [];
  const problem = (severity: Problem['severity'], message: string): Problem => {
    const suggestion = 'sign the scripts: `bartizan catalogue sign --key FILE`';
    return { severity, file, line: 1, column: 1, path: 'signatures.file', message, suggestion };
  };
  let signatures: Signatures;
  try {
    signatures = await loadSignatures(signatureFile(config.signatures.file));
  } catch (error) {
    return [problem('error', describeError(error))];
  }
  const now = Math.floor(nowMs / 1000);
  const scripts = signedScripts(config, signatures, now);
  const problems: Problem[] = [];
  const lacking = scripts.filter(({ state }) => state === 'unsigned');
  if (lacking.length > 0) {
    const refused = 'nodes that verify signatures refuse them';
    problems.push(problem('warning', `without a signature: ${listed(lacking)}; ${refused}`));
  }
  const expired = scripts.filter(({ state }) => state === 'expired');
  if (expired.length > 0) problems.push(problem('warning', `signatures have expired: ${listed(expired)}`));
  const ends = scripts.flatMap(({ state, signature }) =>
    state === 'signed' && signature ? [signature.notAfter] : [],
  );
  const first = ends.reduce((least, end) => Math.min(least, end), Number.POSITIVE_INFINITY);
  if (first - now < SOON_SECONDS) {
    const days = Math.floor((first - now) / 86_400);
    problems.push(
      problem(
        'warning',
        `the first signature expires ${timeText(first)}, in ${days} days; then nodes refuse the script`,
      ),
    );
  }
  return problems;
}

function listed(scripts: readonly SignedScript[]): string {
  const names = scripts.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = scripts.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
