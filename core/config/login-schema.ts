// Fields of a login to a bastion or node.
import { hostKeySchema } from './host-key.ts';
import { secretSchema, secretTextSchema } from './secret-text.ts';
import { wholeCheck } from './whole-check.ts';

export const privateKeySchema = secretSchema
  .optional()
  .meta({ examples: [`\${file:~/.ssh/id_ed25519}`], writeOnly: true });
export const passphraseSchema = secretSchema.describe('Passphrase of `privateKey`, if it has one').optional();
export const agentSchema = secretTextSchema
  .describe('Socket of an ssh-agent that signs our logins, in place of `privateKey`')
  .meta({ examples: [`\${env:SSH_AUTH_SOCK}`], writeOnly: true })
  .optional();
export const publicKeySchema = hostKeySchema
  .describe("Which of the agent's keys is used, `type base64`; needed where it holds several")
  .optional();

interface Login {
  privateKey?: unknown;
  passphrase?: unknown;
  agent?: unknown;
  publicKey?: unknown;
}

/** A login has one way, and only the fields of that way. An invalid field counts as given. */
export function checkLogin(needed: boolean) {
  return wholeCheck<Login>((login, issue) => {
    const has = (field: keyof Login) => login[field] !== undefined;
    if (has('privateKey') && has('agent'))
      issue(['agent'], 'there is a `privateKey` already; keep one of the two');
    if (needed && !has('privateKey') && !has('agent'))
      issue([], 'the login has no key; write `privateKey` or `agent`');
    if (has('passphrase') && !has('privateKey'))
      issue(['passphrase'], 'a passphrase opens a `privateKey`; write that beside it');
    if (has('publicKey') && !has('agent'))
      issue(['publicKey'], 'this chooses a key of an `agent`; write that beside it');
  });
}
