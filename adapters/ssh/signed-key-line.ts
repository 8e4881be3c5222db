import { LONGEST_SIGNATURE } from '../../core/signatures/signature-file.ts';
import { NAMESPACE, SIGNER } from '../../core/signatures/signed-script.ts';
import { type Endpoint, forwardingTo, MAX_SIGNED_BYTES, permitsOf } from './authorized-keys.ts';
import { type LoginKey, lineOf } from './login-key.ts';

/** First words of each refusal, on stderr. The node adds the reason. */
export const REFUSAL = 'bartizan refuses the script: ';

/** `type base64`: characters that mean nothing to a shell. */
const PUBLIC_KEY = /^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}$/;

export interface SignedLine {
  /** Public keys (`type base64`) of those who may sign scripts. */
  signers: readonly string[];
  /** The node refuses lower versions. */
  lowestVersion: number;
  /** See `nodeKeyLine`. */
  forwards?: readonly Endpoint[];
}

/**
 * The line with which our key may run signed scripts on a node, and nothing else, whatever command the client asked for.
 * ssh-keygen (OpenSSH 8.1 or newer) verifies the signature before anything reads the header, and nothing is written to disk:
 * signature and signers come through pipes. The shell gets the very text that was verified. `exec sh -c '…'` makes the line
 * independent of the login shell; so it has no `'`, and no `!` for csh.
 */
export function signedKeyLine(key: LoginKey, { signers, lowestVersion, forwards = [] }: SignedLine): string {
  for (const signer of signers) {
    if (!PUBLIC_KEY.test(signer)) throw new Error(`this is no public key: ${signer.slice(0, 80)}`);
  }
  if (signers.length === 0) throw new Error('a line without signers would refuse every script');
  const refuse = (why: string) => `{ echo "${REFUSAL}${why}" >&2; exit 126; }`;
  const armour = '"-----BEGIN SSH SIGNATURE-----" "${g#?}" "-----END SSH SIGNATURE-----"';
  const verify = [
    // x keeps the line ends that $(…) would drop. An endless input fills no memory: head cuts it, and no signature fits.
    `s=$(head -c ${MAX_SIGNED_BYTES}; echo x); s=\${s%x}; g=\${s%% *}; m=\${s#* };`,
    // ssh-keygen takes 13 s of CPU to find out that 64 KiB are no signature.
    `[ \${#g} -le ${LONGEST_SIGNATURE + 1} ] || ${refuse('signature: too long')};`,
    `e=$(printf "${SIGNER} %s\\n" ${signers.map((signer) => `"${signer}"`).join(' ')} |`,
    `{ printf "%s\\n" ${armour} |`,
    `{ printf %s "$m" | ssh-keygen -Y verify -f /dev/fd/3 -s /dev/fd/4 -I ${SIGNER} -n ${NAMESPACE}; } 4<&0; } 3<&0 2>&1)`,
    `|| ${refuse('signature: $e')};`,
    'v=${m#*version=}; v=${v%% *}; t=${m#*until=}; t=${t%% *}; n=$(date +%s);',
    `[ "$v" -ge ${lowestVersion} ] || ${refuse(`version $v is below ${lowestVersion}`)};`,
    `[ "$t" -gt "$n" ] || ${refuse('valid until $t, clock $n')};`,
    'printf %s "$m" | exec sh -s',
  ].join(' ');
  const options = [
    'restrict',
    ...(forwards.length > 0 ? forwardingTo(permitsOf(forwards)) : []),
    `command="exec sh -c '${verify.replaceAll('"', '\\"')}'"`,
  ];
  return `${options.join(',')} ${lineOf(key.key)} bartizan`;
}
