// Why a node refused a script, for people. A node that verifies signatures says why; one that compares hashes says nothing.

import { type ScriptSignature, timeText } from '../../core/signatures/signature-file.ts';
import type { Refusal } from './failure.ts';
import { REFUSAL } from './signed-key-line.ts';

/** Exit code of the forced commands in authorized_keys for what they do not run. */
const REFUSED = 126;
/** A larger difference of clocks is worth a word. */
const CLOCK_SECONDS = 60;
const SIGN = 'sign them again: `bartizan catalogue sign`';

/** Undefined: not the line of our key ended the script. `complaint`: what the node wrote on stdout or stderr, if anything. */
export function refusalOf(exitCode: number | undefined, complaint: string): Refusal | undefined {
  if (exitCode !== REFUSED) return undefined;
  if (complaint === '') return 'hash';
  return complaint.startsWith(REFUSAL) ? 'signature' : undefined;
}

/** @param sent the signature that was sent, if one was */
export function explainSignatureRefusal(
  complaint: string,
  script: string,
  { sent, nowMs }: { sent: ScriptSignature | undefined; nowMs: number },
): string {
  const why = complaint.slice(REFUSAL.length);
  const line = 'its authorized_keys line';
  if (sent === undefined) return `${line} runs signed scripts alone, and ${script} has no signature; ${SIGN}`;
  const old = /^version (\d+) is below (\d+)$/.exec(why);
  if (old)
    return `the signature of ${script} is too old: it has version ${old[1]}, and ${line} accepts ${old[2]} and later; ${SIGN}`;
  const late = /^valid until (\d{1,11}), clock (\d{1,11})$/.exec(why);
  if (late) return explainExpiry(script, Number(late[1]), Number(late[2]), Math.round(nowMs / 1000));
  return `${line} finds no valid signature of ${script}: ${explainKeygen(why)}`;
}

function explainExpiry(script: string, until: number, clock: number, now: number): string {
  const expired = `the signature of ${script} was valid until ${timeText(until)}`;
  const isWrong = Math.abs(clock - now) > CLOCK_SECONDS;
  if (!isWrong) return `${expired}; ${SIGN}`;
  const reading = `the node's clock says ${timeText(clock)}, ours ${timeText(now)}`;
  return `${expired}, and ${reading}: ${until > now ? 'set the clock of the node' : SIGN}`;
}

/** What ssh-keygen, or the shell in its place, wrote. */
function explainKeygen(text: string): string {
  const complaint = text.replace(/^signature: /, '');
  if (/not found|ssh-keygen: No such file/.test(complaint))
    return 'there is no ssh-keygen on the node; install it, or keep the line that compares hashes (`bartizan keys`)';
  if (/option -- '?Y/.test(complaint))
    return 'its ssh-keygen is older than OpenSSH 8.1; keep the line that compares hashes there (`bartizan keys`)';
  if (/read signature file|allowed keys|allowed signers/i.test(complaint))
    return `its shell has no pipes under /dev/fd (${complaint})`;
  if (/namespace/.test(complaint)) return 'it is one for another purpose';
  if (/incorrect signature/.test(complaint)) return 'the script or its header is not what was signed';
  if (/^Could not verify signature/.test(complaint))
    return 'the line does not name the key that signed it; print it again: `bartizan keys --signed`';
  return complaint;
}
